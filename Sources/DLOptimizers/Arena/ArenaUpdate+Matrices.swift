import CKernels
import DLTensor

extension ArenaUpdate {
  /// Takes a step along whole matrices.
  ///
  /// A matrix is made by the ranks that own parts of it, each by itself. Where there are several,
  /// they first put together what it is made from.
  func updateMatrices(
    _ run: Run, by rule: Muon, _ shares: [OwnedSlice], scalars: StepScalars,
    checksums: ShareChecksums?, sum: (UnsafeMutableBufferPointer<Double>) throws -> Void
  ) rethrows {
    guard let dtype = shares.first?.slice.dtype else { return }
    let width = dtype.byteCount
    var (largest, scratchBytes, sharedCount) = (0, 0, 0)
    for index in run.members {
      guard let matrix = members[index].matrix else { continue }
      largest = max(largest, matrix.count)
      scratchBytes = max(scratchBytes, rule.iteration.scratchBytes(matrix, dtype))
      if isShared[index] { sharedCount += matrix.count }
    }
    let space = workspace.reserve(
      shared: sharedCount, matrix: largest * width, scratch: scratchBytes)
    var place = 0
    if sharedCount > 0 {
      space.shared.update(repeating: 0)
      for index in run.members where isShared[index] {
        let first = place
        forEachBlock(of: index, in: shares, checksums: checksums, phase: .state) { start, slice in
          rule.accumulate(slice, scalars: scalars, into: space.matrix)
          dl_cast(
            dtype.kernel, space.matrix, DType.float64.kernel,
            space.shared.baseAddress.map { $0 + first + start }, slice.count)
        }
        place += members[index].range.count
      }
      try sum(space.shared)
      place = 0
    }
    for index in run.members {
      let range = members[index].range
      defer { if isShared[index] { place += range.count } }
      guard let matrix = members[index].matrix, !range.isEmpty,
        shares.contains(where: { $0.range.overlaps(range) })
      else { continue }
      if isShared[index] {
        dl_cast(
          DType.float64.kernel, space.shared.baseAddress.map { $0 + place }, dtype.kernel,
          space.matrix, range.count)
      } else {
        forEachBlock(of: index, in: shares, checksums: checksums, phase: .state) { start, slice in
          rule.accumulate(slice, scalars: scalars, into: space.matrix + start * width)
        }
      }
      rule.iteration(space.matrix, matrix, dtype, scratch: space.scratch)
      forEachBlock(of: index, in: shares, checksums: checksums, phase: .step) { start, slice in
        rule.apply(
          slice, scalars: scalars, direction: space.matrix + start * width, of: matrix)
      }
    }
  }
}

/// Memory for the matrices of a step, kept for the next; one thread at a time uses it.
final class MatrixWorkspace: @unchecked Sendable {
  /// Numbers that ranks put together, a matrix, and what an iteration needs beside it.
  struct Space {
    let shared: UnsafeMutableBufferPointer<Double>
    let matrix: UnsafeMutableRawPointer
    let scratch: UnsafeMutableRawPointer
  }

  private var memory = UnsafeMutableRawBufferPointer(start: nil, count: 0)

  deinit { memory.deallocate() }

  /// Gives room for as many numbers, and for a matrix and its scratch of as many bytes.
  func reserve(shared: Int, matrix: Int, scratch: Int) -> Space {
    let sharedBytes = (shared * 8 + 63) / 64 * 64
    let matrixBytes = (matrix + 63) / 64 * 64
    let byteCount = sharedBytes + matrixBytes + scratch
    if byteCount > memory.count || memory.baseAddress == nil {
      memory.deallocate()
      memory = .allocate(byteCount: max(byteCount, 64), alignment: 64)
      memory.initializeMemory(as: UInt8.self, repeating: 0)
    }
    guard let start = memory.baseAddress else { preconditionFailure("no memory for a matrix") }
    return Space(
      shared: UnsafeMutableBufferPointer(
        start: start.bindMemory(to: Double.self, capacity: shared), count: shared),
      matrix: start + sharedBytes, scratch: start + sharedBytes + matrixBytes)
  }
}
