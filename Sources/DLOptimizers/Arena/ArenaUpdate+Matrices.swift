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
