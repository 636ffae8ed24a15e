import DLCore
import DLFormats

/// The way from sounds to rows of numbers, as data set files keep it.
struct AudioFeatures {
  /// The key of the metadata.
  static let key = "audio"

  /// Frames and bands.
  let settings: LogMel.Settings
  /// The number of times that the change over time is taken: 0, 1 or 2.
  let deltas: Int
  /// Mean and deviation of each column over the sounds to train on; nil where rows are as they are.
  var statistics: (means: [Double], deviations: [Double])?

  /// The numbers of a row.
  var width: Int { settings.bands * (deltas + 1) }

  /// The text that the metadata keeps.
  var json: JSON {
    func list(_ numbers: [Double]?) -> JSON {
      numbers.map { .array($0.map { .number($0) }) } ?? .null
    }
    return .object([
      .init("rate", .integer(settings.sampleRate)), .init("window", .integer(settings.window)),
      .init("hop", .integer(settings.hop)), .init("fft", .integer(settings.transform)),
      .init("mels", .integer(settings.bands)), .init("fmin", .number(settings.lowest)),
      .init("fmax", .number(settings.highest)), .init("deltas", .integer(deltas)),
      .init("means", list(statistics?.means)), .init("deviations", list(statistics?.deviations)),
    ])
  }

  /// Takes settings.
  ///
  /// - Throws: `DataError` for those out of range.
  init(_ settings: LogMel.Settings, deltas: Int) throws {
    func require(_ holds: Bool, _ what: String) throws {
      guard holds else { throw DataError(what) }
    }
    let (window, transform) = (settings.window, settings.transform)
    try require(
      (2...4096).contains(window), "window: is \(window) samples, give a length of 2 to 4096")
    try require(
      (1...1 << 20).contains(settings.hop), "hop: is \(settings.hop) samples, give 1 or more")
    try require(
      (window...4096).contains(transform) && transform % 2 == 0,
      "fft: \(transform) is out of range, give an even number of \(window) to 4096")
    try require(
      (1...512).contains(settings.bands), "mels: \(settings.bands) is out of range, give 1 to 512")
    let middle = Double(settings.sampleRate) / 2
    try require(
      settings.lowest >= 0 && settings.lowest < settings.highest && settings.highest <= middle,
      "fmin, fmax: \(settings.lowest) to \(settings.highest) Hz is out of range, give 0 <= fmin < "
        + "fmax <= \(middle)")
    try require((0...2).contains(deltas), "deltas: \(deltas) is out of range, give 0, 1 or 2")
    self.settings = settings
    self.deltas = deltas
  }

  /// Reads what a data set file keeps.
  ///
  /// - Throws: a content error where it keeps none.
  init(_ file: SafetensorsFile) throws {
    func fault(_ what: String) -> FormatError {
      FormatError(
        .content, file: file.path, what, advice: "name a file made by dltrain data pack audio")
    }
    guard let text = file.metadata[Self.key] else { throw fault("holds no features of sounds") }
    let json = try JSON(parsing: text, file: file.path)
    func integer(_ key: String) throws -> Int {
      guard let value = json[key]?.int, (0...1 << 30).contains(value) else {
        throw fault("has damaged features: \(key)")
      }
      return value
    }
    guard let lowest = json["fmin"]?.double, let highest = json["fmax"]?.double else {
      throw fault("has damaged features: fmin or fmax")
    }
    let settings = try LogMel.Settings(
      sampleRate: integer("rate"), window: integer("window"), hop: integer("hop"),
      transform: integer("fft"), bands: integer("mels"), lowest: lowest, highest: highest)
    let deltas = try integer("deltas")
    do {
      try self.init(settings, deltas: deltas)
    } catch { throw fault("has damaged features: \(error)") }
    if let means = json["means"]?.array?.compactMap(\.double) {
      let deviations = json["deviations"]?.array?.compactMap(\.double) ?? []
      guard means.count == width, deviations.count == width, deviations.allSatisfy({ $0 > 0 })
      else { throw fault("has damaged features: means or deviations") }
      statistics = (means, deviations)
    }
  }

  /// The rows of a sound, its bands and then their changes, `[rows, width]`; at most `limit` rows.
  func rows(_ samples: [Double], _ mel: LogMel, limit: Int) -> [Double] {
    let bands = settings.bands
    // A change at the last row looks at the two behind it, as in a sound that is not cut.
    let margin = 2 * deltas
    var columns = [mel.rows(samples, limit: limit.addingReportingOverflow(margin).partialValue)]
    for _ in 0..<deltas { columns.append(LogMel.deltas(columns[columns.count - 1], width: bands)) }
    let count = min(columns[0].count / bands, limit)
    return (0..<count).flatMap { row in
      columns.flatMap { $0[row * bands..<(row + 1) * bands] }
    }
  }
}
