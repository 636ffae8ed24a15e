import DLFormats
import DLTensor

/// Rows of inputs and labels that can be read in any order.
///
/// Read by the loader's thread of each rank, so it must be safe to use from several threads.
public protocol Dataset: AnyObject, Sendable {
  /// The number of rows.
  var count: Int { get }
  /// The shape of one input, without the row dimension: `[height, width, channels]` for images.
  var inputShape: [Int] { get }
  /// The type of inputs: uint8, float32 or int32.
  var inputType: DType { get }
  /// The shape of one label, without the row dimension; empty for one class per row.
  var labelShape: [Int] { get }
  /// The type of labels: int32 (classes) or float32 (values).
  var labelType: DType { get }
  /// The number of classes; nil where labels are values.
  var classCount: Int? { get }

  /// The length of each row, where rows are padded sequences; for the order `bucketed`.
  var rowLengths: [Int32]? { get }

  /// The valid positions of each row of inputs along their first axis, those behind them being
  /// padding; nil where all of them are valid.
  var inputLengths: [Int32]? { get }

  /// Compares all inputs and labels with what a model takes.
  ///
  /// - Throws: a content error that names the first one outside, with its row.
  func check(_ domains: DataDomains) throws

  /// Reads rows, in the order given, into buffers of exactly their size; allocates nothing else.
  ///
  /// - Throws: where a row cannot be read, or a label lies outside the classes.
  func read(
    rows: UnsafeBufferPointer<Int>, inputs: UnsafeMutableRawBufferPointer,
    labels: UnsafeMutableRawBufferPointer
  ) throws
}

/// The values that a model takes as inputs, and its loss as labels.
public struct DataDomains: Sendable {
  /// The inputs.
  package var inputs = ValueDomain.finite
  /// Who takes the inputs.
  package var inputTaker = "the model's inputs"
  /// The labels.
  package var labels = ValueDomain.finite
  /// Who takes the labels.
  package var labelTaker = "the model's labels"

  /// Makes domains of all finite numbers.
  package init() {}

  /// Compares all values of a file's tensor of inputs with what a model takes.
  ///
  /// - Throws: `FormatError` that names the first one outside, with its row, or where the file
  ///   cannot be read.
  package func checkInputs(
    of file: SafetensorsFile, _ x: SafetensorsInfo, _ statistics: FileStatistics?
  ) throws {
    guard x.dtype != .uint8 else { return }
    try ColumnCheck(file, x, statistics, taker: inputTaker).require(inputs)
  }
}

extension Dataset {
  /// Rows that are made, and not read from a file, are as they should be.
  public func check(_ domains: DataDomains) {}
  /// All positions are valid.
  public var inputLengths: [Int32]? { nil }
  /// All rows are of one length.
  public var rowLengths: [Int32]? { nil }
  /// Elements of one input.
  package var inputCount: Int { inputShape.reduce(1, *) }
  /// Elements of one label.
  package var labelCount: Int { labelShape.reduce(1, *) }
  /// Bytes of one input.
  package var inputByteCount: Int { inputCount * inputType.byteCount }
  /// Bytes of one label.
  package var labelByteCount: Int { labelCount * labelType.byteCount }
}
