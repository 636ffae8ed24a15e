import DLFormats
import DLTensor

/// A data set in a safetensors file: `x` (U8, F32 or I32 [N, ...]) and `y` (I32 classes or F32
/// values, [N, ...]).
///
/// The number of classes is the one given, else the metadata entry `classes`, else one more than
/// the largest label. All labels are checked at opening, and again whenever they are read, since
/// the file may change in use; a label that the loss ignores may lie outside the classes.
public final class TensorFileDataset: Dataset {
  /// The number of rows.
  public let count: Int
  /// The shape of one input.
  public let inputShape: [Int]
  /// The type of inputs.
  public let inputType: DType
  /// The shape of one label.
  public let labelShape: [Int]
  /// The type of labels.
  public let labelType: DType
  /// The number of classes; nil where labels are values.
  public let classCount: Int?
  /// The path as the caller gave it.
  public var path: String { file.path }

  /// The longest of each row's sequences, where the file has `lengths` I32 [N, ...].
  public let rowLengths: [Int32]?

  private let ignoredLabel: Int32?
  private let file: SafetensorsFile
  private let x: SafetensorsInfo
  private let y: SafetensorsInfo

  /// Opens a file and checks it; throws `FormatError`.
  public init(path: String, classes: Int? = nil, ignoredLabel: Int32? = nil) throws {
    let file = try SafetensorsFile(path: path)
    let x = try file.info("x")
    let y = try file.info("y")
    func fault(_ what: String, _ advice: String) -> FormatError {
      FormatError(.content, file: path, what, advice: advice)
    }
    guard let inputType = [.uint8: DType.uint8, .float32: .float32, .int32: .int32][x.dtype] else {
      throw fault("x is \(x.dtype.rawValue), not U8, F32 or I32", "convert it")
    }
    guard let labelType = [.int32: DType.int32, .float32: .float32][y.dtype] else {
      throw fault("y is \(y.dtype.rawValue), not I32 or F32", "convert it")
    }
    guard let count = x.shape.first, count > 0, x.count > 0 else {
      throw fault("x of shape \(x.shape) holds no rows", "give a file that has some")
    }
    guard y.shape.first == count, y.count > 0 else {
      throw fault(
        "x of shape \(x.shape) and y of shape \(y.shape) differ in rows", "make one label per row")
    }
    self.ignoredLabel = ignoredLabel
    self.file = file
    self.x = x
    self.y = y
    self.count = count
    self.inputType = inputType
    self.labelType = labelType
    inputShape = Array(x.shape.dropFirst())
    labelShape = Array(y.shape.dropFirst())
    rowLengths = try Self.lengths(file, count: count)
    guard labelType == .int32 else {
      classCount = nil
      return
    }
    var limit = classes
    if limit == nil, let text = file.metadata["classes"] {
      guard let value = Int(text), value > 0 else {
        throw fault("metadata: classes is \"\(text)\"", "give a positive number")
      }
      limit = value
    }
    let largest = try Self.scanLabels(
      file, y, rowLength: y.count / count, classes: limit, ignored: ignoredLabel)
    classCount = limit ?? largest + 1
  }

  private static func lengths(_ file: SafetensorsFile, count: Int) throws -> [Int32]? {
    guard let info = file["lengths"] else { return nil }
    guard info.dtype == .int32, info.shape.first == count, info.count > 0 else {
      throw FormatError(
        .content, file: file.path,
        "lengths are \(info.dtype.rawValue) \(info.shape), not I32 [\(count), ...]",
        advice: "pack it anew")
    }
    let each = info.count / count
    return try file.bytes("lengths").withUnsafeBytes { bytes in
      let values = bytes.bindMemory(to: Int32.self)
      return (0..<count).map { row in values[row * each..<(row + 1) * each].max() ?? 0 }
    }
  }

  /// Checks all labels, in pieces, and returns the largest that is not ignored.
  private static func scanLabels(
    _ file: SafetensorsFile, _ y: SafetensorsInfo, rowLength: Int, classes: Int?, ignored: Int32?
  ) throws -> Int {
    var largest = 0
    var piece = [Int32](repeating: 0, count: min(y.count, 1 << 16))
    for begin in stride(from: 0, to: y.count, by: piece.count) {
      let count = min(piece.count, y.count - begin)
      try piece.withUnsafeMutableBytes { piece in
        let bytes = UnsafeMutableRawBufferPointer(rebasing: piece[..<(4 * count)])
        try file.read(y, bytes: 4 * begin..<4 * (begin + count), into: bytes)
      }
      for index in 0..<count where piece[index] != ignored {
        try check(
          piece[index], row: (begin + index) / rowLength, classes: classes, path: file.path)
        largest = max(largest, Int(piece[index]))
      }
    }
    return largest
  }

  private static func check(_ label: Int32, row: Int, classes: Int?, path: String) throws {
    guard label >= 0, Int(label) < classes ?? Int.max else {
      let range = classes.map { "the classes 0 to \($0 - 1)" } ?? "0 and above"
      throw FormatError(
        .content, file: path, "row \(row) has label \(label), outside \(range)",
        advice: "correct the label or the number of classes")
    }
  }

  /// Reads rows, in the order given.
  public func read(
    rows: UnsafeBufferPointer<Int>, inputs: UnsafeMutableRawBufferPointer,
    labels: UnsafeMutableRawBufferPointer
  ) throws {
    var done = 0
    while done < rows.count {
      // Consecutive rows are read at once.
      let first = rows[done]
      var length = 1
      while done + length < rows.count, rows[done + length] == first + length { length += 1 }
      for (info, buffer, size) in [(x, inputs, inputByteCount), (y, labels, labelByteCount)] {
        let part = buffer[done * size..<(done + length) * size]
        try file.read(
          info, rows: first..<first + length, into: UnsafeMutableRawBufferPointer(rebasing: part))
      }
      done += length
    }
    guard let classCount else { return }
    for (index, label) in labels.bindMemory(to: Int32.self).enumerated() where label != ignoredLabel
    {
      try Self.check(label, row: rows[index / labelCount], classes: classCount, path: path)
    }
  }
}
