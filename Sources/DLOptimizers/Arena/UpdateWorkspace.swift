/// Memory for the sums and matrices of a step, kept for the next; one thread at a time uses it.
final class UpdateWorkspace: @unchecked Sendable {
  /// Numbers that ranks put together, a matrix, and what an iteration needs beside it.
  struct Space {
    let shared: UnsafeMutableBufferPointer<Double>
    let matrix: UnsafeMutableRawPointer
    let scratch: UnsafeMutableRawPointer
  }

  private var memory = UnsafeMutableRawBufferPointer(start: nil, count: 0)

  deinit { memory.deallocate() }

  /// Gives room for as many numbers, and for a matrix and its scratch of as many bytes.
  func reserve(shared: Int, matrix: Int = 0, scratch: Int = 0) -> Space {
    let sharedBytes = (shared * 8 + 63) / 64 * 64
    let matrixBytes = (matrix + 63) / 64 * 64
    let byteCount = sharedBytes + matrixBytes + scratch
    if byteCount > memory.count || memory.baseAddress == nil {
      memory.deallocate()
      memory = .allocate(byteCount: max(byteCount, 64), alignment: 64)
      memory.initializeMemory(as: UInt8.self, repeating: 0)
    }
    guard let start = memory.baseAddress else { preconditionFailure("no memory for a step") }
    return Space(
      shared: UnsafeMutableBufferPointer(
        start: start.bindMemory(to: Double.self, capacity: shared), count: shared),
      matrix: start + sharedBytes, scratch: start + sharedBytes + matrixBytes)
  }
}
