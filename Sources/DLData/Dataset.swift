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

  /// The length of each row, where rows are padded sequences; for ``Sampler/Order/bucketed``.
  var rowLengths: [Int32]? { get }

  /// Reads rows, in the order given, into buffers of exactly their size.
  ///
  /// Throws where a row cannot be read or a label lies outside the classes; allocates nothing else.
  func read(
    rows: UnsafeBufferPointer<Int>, inputs: UnsafeMutableRawBufferPointer,
    labels: UnsafeMutableRawBufferPointer
  ) throws
}

extension Dataset {
  /// All rows are of one length.
  public var rowLengths: [Int32]? { nil }
  /// Elements of one input.
  public var inputCount: Int { inputShape.reduce(1, *) }
  /// Elements of one label.
  public var labelCount: Int { labelShape.reduce(1, *) }
  /// Bytes of one input.
  public var inputByteCount: Int { inputCount * inputType.byteCount }
  /// Bytes of one label.
  public var labelByteCount: Int { labelCount * labelType.byteCount }
}
