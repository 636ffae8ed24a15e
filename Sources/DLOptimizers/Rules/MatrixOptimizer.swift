import DLTensor

/// An update rule whose step depends on all elements of a matrix, in three phases.
///
/// The first goes over the parts of a matrix that a rank owns and writes what the step is made from
/// into arrays of the matrix's size. Where several ranks own parts, the arrays are put together
/// between the phases. The second makes the step of the whole matrix from them, on each owner alike;
/// the third takes it on the parts. So a rule never sees how the arena is shared out.
public protocol MatrixOptimizer: SliceOptimizer {
  /// The arrays of a matrix's size that a step is made from.
  var arrayCount: Int { get }

  /// True if tensors that are no matrices go by the rule too, as matrices of one row.
  var takesVectors: Bool { get }

  /// The bytes that the second phase needs beside the arrays.
  func scratchBytes(_ matrix: MatrixShape, _ dtype: DType) -> Int

  /// First phase: writes a range's part of the arrays, and may update its state.
  func accumulate(_ slice: ArenaSlice, scalars: StepScalars, into arrays: MatrixArrays)

  /// Second phase: makes the step of a whole matrix in the place of the arrays.
  func prepare(
    _ arrays: MatrixArrays, of matrix: MatrixShape, dtype: DType, scalars: StepScalars,
    scratch: UnsafeMutableRawPointer)

  /// Third phase: takes the step on a range of a matrix.
  func apply(
    _ slice: ArenaSlice, scalars: StepScalars, arrays: MatrixArrays, of matrix: MatrixShape)
}

/// Arrays of a matrix's size, one behind another, from a certain element on.
public struct MatrixArrays {
  /// The element of the first array.
  package let start: UnsafeMutableRawPointer

  /// The bytes from an array to the next.
  package let stride: Int

  /// The same element of another array.
  public subscript(index: Int) -> UnsafeMutableRawPointer { start + index * stride }

  /// The arrays from an element further on.
  func advanced(byBytes count: Int) -> MatrixArrays {
    MatrixArrays(start: start + count, stride: stride)
  }
}

extension MatrixOptimizer {
  /// All elements of a matrix.
  public var granularity: UpdateGranularity { .matrix }

  /// Takes one step on a slice that is one row.
  public func update(_ slice: ArenaSlice, scalars: StepScalars) {
    let row = MatrixShape(rows: 1, columns: slice.count)
    let stride = (slice.count * slice.dtype.byteCount + 63) / 64 * 64
    let byteCount = arrayCount * stride + scratchBytes(row, slice.dtype) + 64
    withUnsafeTemporaryAllocation(byteCount: byteCount, alignment: 64) { room in
      guard let base = room.baseAddress else { return }
      let arrays = MatrixArrays(start: base, stride: stride)
      accumulate(slice, scalars: scalars, into: arrays)
      prepare(
        arrays, of: row, dtype: slice.dtype, scalars: scalars, scratch: arrays[arrayCount])
      apply(slice, scalars: scalars, arrays: arrays, of: row)
    }
  }
}
