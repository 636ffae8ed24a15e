import CKernels
import DLCore
import DLFormats
import DLTensor

/// A data set in a safetensors file: `x` (U8, F32 or I32 [N, ...]) and `y` (I32 classes or F32
/// values, [N, ...]); or encoded images and `y`, see ``StoredImages``.
///
/// The number of classes is the one given, else the metadata entry `classes`, else one more than
/// the largest label. All labels are checked at opening, and again whenever they are read; a label
/// that the loss ignores may lie outside the classes.
package final class TensorFileDataset: WindowedDataset {
  /// The number of rows.
  package let count: Int
  /// The shape of one input.
  package let inputShape: [Int]
  /// The type of inputs.
  package let inputType: DType
  /// The shape of one label.
  package let labelShape: [Int]
  /// The type of labels.
  package let labelType: DType
  /// The number of classes; nil where labels are values.
  package let classCount: Int?
  /// The path as the caller gave it.
  package var path: String { file.path }

  /// The longest of each row's sequences, where the file has `lengths` I32 [N, ...].
  package let rowLengths: [Int32]?

  /// The valid positions of each row of x: the first of its lengths.
  package let inputLengths: [Int32]?

  /// The names of the classes, as the file has them; nil where it has none.
  package let classNames: ClassNames?

  private let ignoredLabel: Int32?
  private let file: SafetensorsFile
  private let x: SafetensorsInfo
  /// The images, where they are brought to one size while they are read.
  private let images: StoredImages?
  private let y: SafetensorsInfo
  private let statistics: FileStatistics?
  /// The caller's number for each class of the file; nil where that is its own number.
  private let map: [Int32]?

  /// Opens a file and checks it.
  ///
  /// - Parameters:
  ///   - classes: the number of classes.
  ///   - ignoredLabel: the label of rows that do not count.
  ///   - statistics: what a pass over the file found; nil to make the pass here.
  ///   - images: the size that images are brought to while they are read; nil where they have one.
  ///   - names: what the numbers of classes shall stand for: labels of a file that has names are
  ///     numbered by them. `namesSource` says where they come from.
  /// - Throws: `FormatError`.
  package init(
    path: String, classes: Int? = nil, ignoredLabel: Int32? = nil,
    statistics: FileStatistics? = nil, images fit: ImageFit? = nil,
    names: ClassNames? = nil, namesSource: String = "the others"
  ) throws {
    let file = try SafetensorsFile(dataset: path)
    let images = try StoredImages(file, fit: fit)
    let x = try images?.info ?? file.info("x")
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
    guard let count = images?.count ?? x.shape.first, count > 0, x.count > 0 else {
      throw fault("x of shape \(x.shape) holds no rows", "give a file that has some")
    }
    guard y.shape.first == count, y.count > 0 else {
      throw fault(
        "x of shape \(x.shape) and y of shape \(y.shape) differ in rows", "make one label per row")
    }
    self.ignoredLabel = ignoredLabel
    self.file = file
    self.x = x
    self.images = images
    self.y = y
    self.count = count
    self.inputType = inputType
    self.labelType = labelType
    let statistics = try statistics?.of(file)
    self.statistics = statistics
    inputShape = images?.fit.shape ?? Array(x.shape.dropFirst())
    labelShape = Array(y.shape.dropFirst())
    let lengths = try RowLengths(
      file, count: count, longest: max(inputShape.first ?? 1, labelShape.first ?? 1))
    rowLengths = lengths?.longest
    inputLengths = inputShape.first.flatMap { lengths?.first(upTo: $0) }
    let own = try ClassNames.read(file)
    classNames = own
    let numbers = try names.flatMap { names in
      try own?.numbers(among: names, file: path, source: namesSource)
    }
    guard labelType == .int32 else {
      classCount = nil
      map = nil
      guard numbers == nil else {
        throw fault(
          "the columns of y have other names, or another order, than those of \(namesSource)",
          "arrange them alike")
      }
      return
    }
    map = numbers
    var limit = numbers.map(\.count) ?? classes
    if limit == nil, let text = file.metadata["classes"] {
      guard let value = Int(text), value > 0 else {
        throw fault("metadata: classes is \"\(text)\"", "give a positive number")
      }
      limit = value
    }
    let check = try ColumnCheck(file, y, statistics, taker: "the classes")
    try check.requireClasses(limit, ignored: ignoredLabel)
    if let numbers, let names, let own, numbers.contains(-1) {
      try check.requireNamed(numbers, own, source: namesSource, ignored: ignoredLabel)
      classCount = names.names.count
    } else {
      let largest = check.statistics.range(without: ignoredLabel)?.upperBound ?? 0
      classCount = numbers == nil ? limit ?? Int(largest) + 1 : names?.names.count
    }
  }

  /// Compares all inputs and labels with what a model takes.
  ///
  /// - Throws: `FormatError` that names the first one outside, with its row, or where the file
  ///   cannot be read.
  package func check(_ domains: DataDomains) throws {
    try domains.checkInputs(of: file, x, statistics)
    // Labels that are numbered anew are classes of the model by their names.
    guard map == nil else { return }
    try ColumnCheck(file, y, statistics, taker: domains.labelTaker).require(domains.labels)
  }

  package var hasWindows: Bool { images != nil }

  /// Reads rows, in the order given.
  ///
  /// - Throws: `FormatError` where a row cannot be read or decoded, its label is no class, or the
  ///   file was changed since it was opened.
  package func read(
    rows: UnsafeBufferPointer<Int>, inputs: UnsafeMutableRawBufferPointer,
    labels: UnsafeMutableRawBufferPointer
  ) throws {
    if images == nil {
      try read(rows, [(x, inputs), (y, labels)])
    } else {
      try readImages(rows, into: inputs) { _, _, _ in nil }
      try read(rows, [(y, labels)])
    }
    try number(labels, of: rows)
  }

  /// Reads rows by windows of the stored images.
  ///
  /// - Throws: `FormatError` where an image cannot be read or decoded, its label is no class, or
  ///   the file was changed since it was opened.
  package func read(
    rows: UnsafeBufferPointer<Int>, inputs: UnsafeMutableRawBufferPointer,
    labels: UnsafeMutableRawBufferPointer,
    window: (_ index: Int, _ height: Int, _ width: Int) -> PixelWindow
  ) throws {
    try readImages(rows, into: inputs, window: window)
    try read(rows, [(y, labels)])
    try number(labels, of: rows)
  }

  private func readImages(
    _ rows: UnsafeBufferPointer<Int>, into inputs: UnsafeMutableRawBufferPointer,
    window: (_ index: Int, _ height: Int, _ width: Int) -> PixelWindow?
  ) throws {
    guard let images, let base = inputs.bindMemory(to: UInt8.self).baseAddress else { return }
    for (index, row) in rows.enumerated() {
      try images.read(row, into: base + index * inputByteCount) { window(index, $0, $1) }
    }
  }

  private func read(
    _ rows: UnsafeBufferPointer<Int>,
    _ tensors: [(info: SafetensorsInfo, buffer: UnsafeMutableRawBufferPointer)]
  ) throws {
    var done = 0
    while done < rows.count {
      // Consecutive rows are read at once.
      let first = rows[done]
      var length = 1
      while done + length < rows.count, rows[done + length] == first + length { length += 1 }
      for (info, buffer) in tensors {
        let size = info.rowByteCount
        let part = buffer[done * size..<(done + length) * size]
        try file.read(
          info, rows: first..<first + length, into: UnsafeMutableRawBufferPointer(rebasing: part))
      }
      done += length
    }
  }

  private func number(_ labels: UnsafeMutableRawBufferPointer, of rows: UnsafeBufferPointer<Int>)
    throws
  {
    guard let classCount else { return }
    try number(labels.bindMemory(to: Int32.self), of: rows, classes: classCount)
  }

  /// The label of each row, where it is one class, read without the inputs.
  func labelsOfRows() throws -> [Int32] {
    precondition(labelType == .int32 && labelCount == 1, "labels of one class")
    let atOnce = 1 << 16
    var labels = [Int32](repeating: 0, count: count)
    try labels.withUnsafeMutableBufferPointer { labels in
      for start in stride(from: 0, to: count, by: atOnce) {
        let rows = start..<min(start + atOnce, count)
        let part = UnsafeMutableBufferPointer(rebasing: labels[rows])
        try file.read(y, rows: rows, into: UnsafeMutableRawBufferPointer(part))
        guard let classCount else { continue }
        try Array(rows).withUnsafeBufferPointer { try number(part, of: $0, classes: classCount) }
      }
    }
    return labels
  }

  /// Numbers labels as the caller does, and checks that each is a class.
  private func number(
    _ labels: UnsafeMutableBufferPointer<Int32>, of rows: UnsafeBufferPointer<Int>, classes: Int
  ) throws {
    let count = labels.count
    func first(_ ignored: UnsafePointer<Int32>?) -> Int {
      guard let map else {
        return dl_first_beyond_i32(
          labels.baseAddress, count, 0, Int32(clamping: classes - 1), ignored)
      }
      return dl_map_i32(labels.baseAddress, count, map, map.count, ignored)
    }
    let wrong =
      ignoredLabel.map { ignored in withUnsafePointer(to: ignored) { first($0) } } ?? first(nil)
    guard wrong < count else { return }
    throw ColumnCheck.classFault(
      labels[wrong], row: rows[wrong / labelCount], classes: map?.count ?? classes, path: path)
  }
}
