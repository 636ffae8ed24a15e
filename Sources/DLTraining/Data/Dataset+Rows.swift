import CKernels
import DLData
import DLTensor

extension Dataset {
  /// Rows as a task gets them, in memory of their own.
  ///
  /// - Parameters:
  ///   - rows: indices of the data set, in the order wanted.
  ///   - transform: what inputs go through.
  ///   - longestRow: the length of the longest row of the batch, where rows are padded; that of these
  ///     rows unless given.
  /// - Throws: where a row cannot be read, or there is no memory.
  package func batch(
    of rows: [Int], _ transform: InputTransform, context: Context, longestRow: Int? = nil
  ) throws -> Batch {
    let raw = try Tensor.empty([rows.count, inputByteCount], dtype: .uint8, context: context)
    let x = try Tensor.empty(
      Shape(inputShape).prepending(rows.count), dtype: transform.outputType, context: context)
    let read = try Tensor.empty(
      Shape(labelShape).prepending(rows.count), dtype: labelType, context: context)
    try rows.withUnsafeBufferPointer {
      try self.read(
        rows: $0,
        inputs: UnsafeMutableRawBufferPointer(start: raw.pointer, count: raw.byteCount),
        labels: UnsafeMutableRawBufferPointer(start: read.pointer, count: read.byteCount))
    }
    transform.apply(raw.pointer, count: rows.count * inputCount, into: x.pointer)
    var y = read
    if labelType == .float32, context.precision == .float64 {
      y = try Tensor.empty(read.shape, dtype: .float64, context: context)
      dl_cast(DL_F32, read.pointer, DL_F64, y.pointer, y.count)
    }
    var batch = Batch(x: x, y: y)
    batch.longestRow =
      longestRow ?? rowLengths.flatMap { lengths in rows.map { Int(lengths[$0]) }.max() }
    return batch
  }
}
