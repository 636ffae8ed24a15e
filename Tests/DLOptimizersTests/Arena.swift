import DLOptimizers
import DLTensor
import Foundation

/// Parameters, gradients and three state buffers of one type, in memory that is freed with it.
final class Arena {
  let dtype: DType
  let count: Int
  private let buffers: [UnsafeMutableRawPointer]

  init(_ dtype: DType, parameters: [Double], gradients: [Double]? = nil) {
    self.dtype = dtype
    count = parameters.count
    let bytes = max(parameters.count * dtype.byteCount, 1)
    buffers = (0..<5).map { _ in
      let buffer = UnsafeMutableRawPointer.allocate(byteCount: bytes, alignment: 64)
      buffer.initializeMemory(as: UInt8.self, repeating: 0, count: bytes)
      return buffer
    }
    write(parameters, to: 0)
    if let gradients { write(gradients, to: 1) }
  }

  deinit { for buffer in buffers { buffer.deallocate() } }

  var parameters: [Double] { read(0) }
  var gradients: [Double] {
    get { read(1) }
    set { write(newValue, to: 1) }
  }
  func clearGradients(_ range: Range<Int>) {
    memset(buffers[1] + range.lowerBound * dtype.byteCount, 0, range.count * dtype.byteCount)
  }

  /// Takes over another's state.
  func take(_ other: Arena) {
    for index in 2..<5 { memcpy(buffers[index], other.buffers[index], count * dtype.byteCount) }
  }

  var state: [[Double]] { [read(2), read(3), read(4)] }

  var slice: ArenaSlice {
    ArenaSlice(
      dtype: dtype, count: count, parameters: buffers[0], gradients: buffers[1],
      state: StatePointers(buffers[2], buffers[3], buffers[4]))
  }

  /// All bits of parameters, gradients and state.
  var bits: [UInt8] {
    buffers.flatMap {
      Array(UnsafeRawBufferPointer(start: $0, count: count * dtype.byteCount))
    }
  }

  private func read(_ index: Int) -> [Double] {
    (0..<count).map { i in
      dtype == .float32
        ? Double(buffers[index].load(fromByteOffset: 4 * i, as: Float.self))
        : buffers[index].load(fromByteOffset: 8 * i, as: Double.self)
    }
  }

  private func write(_ values: [Double], to index: Int) {
    for (i, value) in values.enumerated() {
      if dtype == .float32 {
        buffers[index].storeBytes(of: Float(value), toByteOffset: 4 * i, as: Float.self)
      } else {
        buffers[index].storeBytes(of: value, toByteOffset: 8 * i, as: Double.self)
      }
    }
  }
}
