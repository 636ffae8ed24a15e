import CKernels
import DLTensor
import Glibc

/// A flat array laid out like the parameter arena, with the algebra of a vector space.
///
/// Sums are in double, in an order that depends on the length alone.
package final class ArenaVector {
  /// The number of elements, gaps included.
  package let count: Int

  /// float32 or float64.
  package let dtype: DType

  /// The first element, on a 64-byte boundary.
  package let pointer: UnsafeMutableRawPointer

  /// Makes a vector of zeros.
  ///
  /// - Throws: `TensorError` when there is no memory.
  package init(count: Int, dtype: DType) throws {
    self.count = count
    self.dtype = dtype
    let byteCount = max(count * dtype.byteCount, 64)
    var pointer: UnsafeMutableRawPointer?
    guard posix_memalign(&pointer, 64, byteCount) == 0, let pointer else {
      throw TensorError(
        op: "optimizer", "no memory for \(byteCount) bytes of state", exitCode: .fault)
    }
    memset(pointer, 0, byteCount)
    self.pointer = pointer
  }

  deinit { free(pointer) }

  /// The size in memory.
  package var byteCount: Int { count * dtype.byteCount }

  /// Takes over `count` elements.
  package func copy(_ source: UnsafeRawPointer) {
    pointer.copyMemory(from: source, byteCount: byteCount)
  }

  /// Exchanges the elements of a range with those at the same places of another vector.
  package func swap(with other: UnsafeMutableRawPointer, range: Range<Int>) {
    let first = range.lowerBound * dtype.byteCount
    let byteCount = range.count * dtype.byteCount
    let (mine, theirs) = (
      UnsafeMutableRawBufferPointer(start: pointer + first, count: byteCount),
      UnsafeMutableRawBufferPointer(start: other + first, count: byteCount)
    )
    withUnsafeTemporaryAllocation(byteCount: 4096, alignment: 64) { block in
      for start in stride(from: 0, to: byteCount, by: block.count) {
        let range = start..<min(start + block.count, byteCount)
        block.copyMemory(from: UnsafeRawBufferPointer(rebasing: mine[range]))
        UnsafeMutableRawBufferPointer(rebasing: mine[range]).copyMemory(
          from: UnsafeRawBufferPointer(rebasing: theirs[range]))
        UnsafeMutableRawBufferPointer(rebasing: theirs[range]).copyMemory(
          from: UnsafeRawBufferPointer(rebasing: block[..<range.count]))
      }
    }
  }

  /// `self = factor * source`.
  func scale(_ factor: Double, _ source: ArenaVector) {
    dl_scale(dtype.kernel, factor, source.pointer, pointer, count, 0)
  }

  /// `self += factor * source`.
  func add(_ factor: Double, _ source: ArenaVector) {
    dl_axpy(dtype.kernel, factor, source.pointer, pointer, count)
  }

  /// `target += factor * self`, over as many elements.
  func add(_ factor: Double, to target: UnsafeMutableRawPointer) {
    dl_axpy(dtype.kernel, factor, pointer, target, count)
  }

  func dot(_ other: ArenaVector) -> Double {
    dl_dot(dtype.kernel, pointer, other.pointer, count)
  }

  var absoluteSum: Double { dl_abs_sum(dtype.kernel, pointer, count) }

  var absoluteMaximum: Double { dl_abs_max(dtype.kernel, pointer, count) }
}
