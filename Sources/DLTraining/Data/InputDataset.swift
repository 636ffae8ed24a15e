import DLCore
import DLData
import DLFormats
import DLTensor

/// The inputs of a data set file, whether it has labels or not.
package final class InputDataset: Dataset {
  package let count: Int
  package let inputShape: [Int]
  package let inputType: DType
  package let labelShape = [0]
  package let labelType = DType.int32
  package let classCount: Int? = nil
  /// The path as the caller gave it.
  var path: String { file.path }
  /// The valid positions of each row.
  package let inputLengths: [Int32]?
  private let statistics: FileStatistics?
  private let file: SafetensorsFile
  private let x: SafetensorsInfo
  private let images: StoredImages?

  /// Opens a file.
  ///
  /// - Parameters:
  ///   - names: the classes that its own must not contradict.
  ///   - namesSource: where these names come from.
  ///   - fit: the size that images are brought to while they are read; nil where they have one.
  /// - Throws: `FormatError` where the file is damaged, holds no inputs, or has other classes than the
  ///   names say.
  package init(
    path: String, statistics: FileStatistics?, names: ClassNames?, namesSource: String,
    images fit: ImageFit? = nil
  ) throws {
    file = try SafetensorsFile(dataset: path)
    if let names {
      _ = try ClassNames.read(file)?.numbers(among: names, file: path, source: namesSource)
    }
    self.statistics = try statistics?.of(file)
    images = try StoredImages(file, fit: fit)
    x = try images?.info ?? file.info("x")
    guard let type = DType(x.dtype), [.uint8, .float32, .int32].contains(type),
      let count = images?.count ?? x.shape.first, x.count > 0
    else {
      throw FormatError(
        .content, file: path, "x is \(x.dtype.rawValue) \(x.shape), not U8, F32 or I32 [rows, ...]",
        advice: "convert it")
    }
    inputType = type
    self.count = count
    inputShape = images?.fit.shape ?? Array(x.shape.dropFirst())
    let lengths = try RowLengths(file, count: count, longest: Int(Int32.max))
    inputLengths = inputShape.first.flatMap { lengths?.first(upTo: $0) }
  }

  package func check(_ domains: DataDomains) throws {
    try domains.checkInputs(of: file, x, statistics)
  }

  package func read(
    rows: UnsafeBufferPointer<Int>, inputs: UnsafeMutableRawBufferPointer,
    labels: UnsafeMutableRawBufferPointer
  ) throws {
    for (place, row) in rows.enumerated() {
      let part = inputs[place * inputByteCount..<(place + 1) * inputByteCount]
      let target = UnsafeMutableRawBufferPointer(rebasing: part)
      if let images {
        try target.bindMemory(to: UInt8.self).baseAddress.map { try images.read(row, into: $0) }
      } else {
        try file.read(x, rows: row..<row + 1, into: target)
      }
    }
  }
}
