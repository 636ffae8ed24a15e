import DLCore
import DLFormats
import DLTensor

/// Turns folders of WAV files into data set files of log-mel rows.
package struct AudioPacker {
  /// The form of the files' names.
  package var pattern = "{class}/{name}"
  /// The field that is the class.
  package var classField = "class"
  /// The sounds that are for testing, as `index=0-4`; nil for a part that is drawn.
  package var test: String?
  /// The parts that sounds are divided into, unless some are for testing.
  package var split = SplitPlan()
  /// The fewest and the most sounds that are joined to a row with a sequence of classes; nil for one
  /// sound a row with its class.
  package var strings: ClosedRange<Int>?
  /// The rows of a sound; those of the longest unless given.
  package var length: Int?
  /// Milliseconds of a frame.
  package var window = 25.0
  /// Milliseconds from frame to frame.
  package var hop = 10.0
  /// Samples of the Fourier transform; the power of two from the frame's length on unless given.
  package var transform: Int?
  /// The number of bands.
  package var bands = 40
  /// The lowest frequency of a band, in Hz.
  package var lowest = 0.0
  /// The highest; half the rate unless given.
  package var highest: Double?
  /// The number of times that the change over time is taken: 0, 1 or 2.
  package var deltas = 0
  /// True if columns are brought to mean 0 and deviation 1 over the sounds to train on.
  package var isStandardized = true
  /// A data set file whose classes, length and features are taken.
  package var like: String?
  /// Told now and then: the part, its sounds done, and all of them.
  package var progress: (_ part: String, _ done: Int, _ count: Int) -> Void = { _, _, _ in }
  /// Told what is worth knowing, such as the rate.
  package var notice: (String) -> Void = { _ in }

  /// Makes a packer.
  package init() {}

  /// Packs the files `.wav` below the folder `source`, into `train.safetensors` and
  /// `test.safetensors` or `validation.safetensors` in the folder `output`, with ``like`` into
  /// `sounds.safetensors` alone: x F32 `[N, length, bands * (deltas + 1)]` filled up with 0, y I32
  /// `[N]`, `lengths` I32 `[N]`.
  ///
  /// Channels are mixed to their mean; all files have one rate. Rows are those of ``LogMel``,
  /// behind them their changes over time. The classes are sorted by name.
  ///
  /// With ``strings`` a part has as many rows as it has sounds, each of sounds that are drawn from it, keyed
  /// by the split's seed, the part and the row; y is I32 `[N, most]` of classes counted from 1, filled up
  /// with 0, which is the blank.
  ///
  /// - Throws: `FormatError` naming the file at fault, and `DataError` for settings out of range.
  package func pack(_ source: String, output: String) throws -> [PackedFile] {
    Engine.native.select()
    let pattern = try NamePattern(pattern)
    let place = try pattern.place(classField, option: "class")
    let listing = try SoundListing(source, pattern)
    if let first = listing.passedOver.first {
      notice(
        "\(source): \(listing.passedOver.count) file(s) are no .wav and are left out: \(first)")
    }
    let like = try like.map { try PackLike($0) }
    let classes = listing.sounds.map { $0.values[place] }
    let likeNames = try like?.classes().names.filter { strings == nil || $0 != Self.blank }
    let names = likeNames ?? TableColumn.sorted(classes)
    let labels = try PackLike.numbers(
      of: classes, among: names, of: like?.path ?? source, source: source)
    let sets = try sets(
      listing.sounds, pattern, labels, isLike: like != nil, source: source)
    let target = try PackOutput(output, parts: sets.joined().count, canBeOne: test == nil)
    var features =
      try like.map { try AudioFeatures($0.file) }
      ?? AudioFeatures(
        settings(rate: WAVFile(path: listing.sounds[0].path).sampleRate), deltas: deltas)
    let mel = LogMel(features.settings)
    if like == nil { tell(features, mel, names) }
    let samples = try listing.sounds.map { sound in
      try Self.read(sound.path, rate: features.settings.sampleRate).sampleCount
    }
    let joined = try JoinedSounds(sets, strings, count: samples.count, seed: split.seed)
    let counts = joined.items.map { item in
      mel.rowCount(samples: item.reduce(0) { $0 + samples[$1] })
    }
    let length = try TokenRows.length(like?.length() ?? length, of: counts, source: source)
    guard
      length.multipliedReportingOverflow(by: features.width).partialValue
        <= TokenRows.mostElements / counts.count
    else {
      throw FormatError(
        .content, file: source,
        "has \(counted(counts.count, "sound")), the longest of \(length) rows, too many to fill up to that",
        advice: "give \(OptionName.length)")
    }
    let sounds = SoundRows(
      sounds: listing.sounds, items: joined.items, mel: mel, length: length)
    return try joined.sets.flatMap { parts in
      if like == nil, isStandardized {
        features.statistics = try sounds.statistics(of: parts[0].rows, features)
      }
      return try write(
        parts, sounds, features, joined.labels(labels, strings), counts,
        (strings == nil ? [] : [Self.blank]) + names, target)
    }
  }

  private func write(
    _ parts: [JoinedSounds.Part], _ sounds: SoundRows, _ features: AudioFeatures,
    _ labels: [[Int32]], _ counts: [Int], _ names: [String], _ target: PackOutput
  ) throws -> [PackedFile] {
    try parts.map { part in
      let path = target.path(part.name)
      let x = sounds.tensor(part.rows, features) { progress(part.name, $0, part.rows.count) }
      try PackedFile.write(
        [
          x, y(part.rows.map { labels[$0] }),
          .values("lengths", part.rows.map { Int32(min(counts[$0], sounds.length)) }),
        ],
        metadata: [
          "source": "WAV", "classes": String(names.count), ClassNames.key: ClassNames(names).text,
          AudioFeatures.key: features.json.description,
        ], to: path)
      return PackedFile(path: path, shape: x.shape)
    }
  }

  private func y(_ labels: [[Int32]]) -> SafetensorsTensor {
    guard let strings else { return .values("y", labels.map { $0[0] }) }
    return TokenRows(rows: labels, length: strings.upperBound).tensor("y", padding: 0)
  }

  /// The name of the class that stands for nothing.
  private static let blank = "<blank>"

  private func tell(_ features: AudioFeatures, _ mel: LogMel, _ names: [String]) {
    let settings = features.settings
    notice(
      "\(settings.sampleRate) Hz: frames of \(settings.window) samples every \(settings.hop), "
        + "fft of \(settings.transform); \(counted(names.count, "class", "classes"))")
    if mel.emptyBands > 0 {
      notice(
        "\(counted(mel.emptyBands, "band")) too narrow for the fft, and constant; "
          + "lower \(OptionName.mels) or raise \(OptionName.fft)")
    }
  }

  private func settings(rate: Int) throws -> LogMel.Settings {
    func samples(_ milliseconds: Double, _ option: String) throws -> Int {
      guard milliseconds > 0, milliseconds <= 10_000 else {
        throw DataError("\(option): \(milliseconds) is out of range, give milliseconds above 0")
      }
      return Int((Double(rate) * milliseconds / 1000).rounded())
    }
    let window = try samples(window, "window")
    var power = 2
    while power < window { power *= 2 }
    return LogMel.Settings(
      sampleRate: rate, window: window, hop: try samples(hop, "hop"),
      transform: transform ?? power, bands: bands, lowest: lowest,
      highest: highest ?? Double(rate) / 2)
  }

  private func sets(
    _ sounds: [SoundListing.Sound], _ pattern: NamePattern, _ labels: [Int32], isLike: Bool,
    source: String
  ) throws -> [[JoinedSounds.Part]] {
    if isLike { return [[("sounds", Array(sounds.indices))]] }
    guard let test else {
      let split = try RowSplit(count: sounds.count, split, labels: labels, source: source)
      return split.sets.map { set in set.map { ($0.name, split.rows(of: $0)) } }
    }
    let choice = try FieldChoice(test)
    let place = try pattern.place(choice.field, option: "test")
    let chosen = sounds.indices.filter { choice.contains(sounds[$0].values[place]) }
    let rest = Set(sounds.indices).subtracting(chosen).sorted()
    guard !chosen.isEmpty, !rest.isEmpty else {
      throw DataError("test: \(test) is \(chosen.isEmpty ? "none" : "all") of the sounds")
    }
    return [[("train", rest), ("test", chosen)]]
  }

  /// Reads a sound of that rate which has samples.
  static func read(_ path: String, rate: Int) throws -> WAVFile {
    let sound = try WAVFile(path: path)
    guard sound.sampleRate == rate else {
      throw FormatError(
        .content, file: path, "has \(sound.sampleRate) samples a second, the others \(rate)",
        advice: "bring all to one rate, as by sox FILE -r \(rate) OUT")
    }
    guard sound.sampleCount > 0 else {
      throw FormatError(.content, file: path, "has no samples", advice: "leave it out")
    }
    return sound
  }
}

/// The rows of sounds, read when they are asked for.
struct SoundRows {
  let sounds: [SoundListing.Sound]
  /// The sounds of each row, one after the other.
  let items: [[Int]]
  let mel: LogMel
  let length: Int

  private func rows(_ item: Int, _ features: AudioFeatures) throws -> [Double] {
    let samples = try items[item].flatMap { try WAVFile(path: sounds[$0].path).mono() }
    return features.rows(samples, mel, limit: length)
  }

  /// Mean and deviation of each column over the rows of these sounds; a column that does not vary has
  /// the deviation 1.
  func statistics(of chosen: [Int], _ features: AudioFeatures) throws
    -> (means: [Double], deviations: [Double])
  {
    let width = features.width
    var count = 0.0
    var means = [Double](repeating: 0, count: width)
    var squares = means
    for sound in chosen {
      let rows = try rows(sound, features)
      for first in stride(from: 0, to: rows.count, by: width) {
        count += 1
        for column in 0..<width {
          let difference = rows[first + column] - means[column]
          means[column] += difference / count
          squares[column] += difference * (rows[first + column] - means[column])
        }
      }
    }
    let deviations = squares.map { ($0 / max(count, 1)).squareRoot() }
    return (means, deviations.map { $0 > 1e-9 ? $0 : 1 })
  }

  /// The tensor `[sounds, length, width]`, filled up with 0.
  func tensor(_ chosen: [Int], _ features: AudioFeatures, progress: @escaping (Int) -> Void)
    -> SafetensorsTensor
  {
    let width = features.width
    return SafetensorsTensor(
      name: "x", dtype: .float32, shape: [chosen.count, length, width]
    ) { sink in
      var row = [Float](repeating: 0, count: length * width)
      for (index, sound) in chosen.enumerated() {
        let values = try rows(sound, features)
        for place in values.indices {
          let column = place % width
          row[place] = Float(
            features.statistics.map { (values[place] - $0.means[column]) / $0.deviations[column] }
              ?? values[place])
        }
        for place in values.count..<row.count { row[place] = 0 }
        try row.withUnsafeBytes { try sink($0) }
        progress(index + 1)
      }
    }
  }
}
