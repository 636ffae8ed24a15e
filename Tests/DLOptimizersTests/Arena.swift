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

/// Numbers in [-1, 1) that repeat (SplitMix64).
struct Numbers {
  private var state: UInt64

  init(seed: UInt64) { state = seed }

  mutating func next() -> Double {
    state &+= 0x9e37_79b9_7f4a_7c15
    var z = state
    z = (z ^ (z >> 30)) &* 0xbf58_476d_1ce4_e5b9
    z = (z ^ (z >> 27)) &* 0x94d0_49bb_1331_11eb
    return Double((z ^ (z >> 31)) >> 11) / Double(1 << 52) - 1
  }

  mutating func array(_ count: Int) -> [Double] { (0..<count).map { _ in next() } }
}

/// The largest excess of |a - b| over `absolute + relative * |b|`; not a number where one is.
func excess(_ a: [Double], _ b: [Double], relative: Double, absolute: Double) -> Double {
  guard a.count == b.count else { return .infinity }
  var worst = -Double.infinity
  for (x, y) in zip(a, b) {
    let difference = abs(x - y) - absolute - relative * abs(y)
    if difference.isNaN { return .nan }
    worst = max(worst, difference)
  }
  return worst
}
