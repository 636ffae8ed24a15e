import CKernels
import DLTensor

extension ArenaUpdate {
  /// The shape that a member has under a rule by matrices; nil where it has none.
  private func shape(of index: Int, by rule: any MatrixOptimizer) -> MatrixShape? {
    let member = members[index]
    if let matrix = member.matrix { return matrix }
    return rule.takesVectors ? MatrixShape(rows: 1, columns: member.range.count) : nil
  }

  /// Takes a step along whole matrices.
  ///
  /// A matrix is made by the ranks that own parts of it, each by itself. Where there are several,
  /// they first put together what it is made from.
  func updateMatrices(
    _ run: Run, by rule: any MatrixOptimizer, _ shares: [OwnedSlice], scalars: StepScalars,
    checksums: ShareChecksums?, sum: (UnsafeMutableBufferPointer<Double>) throws -> Void
  ) rethrows {
    guard let dtype = shares.first?.slice.dtype else { return }
    let width = dtype.byteCount
    let arrayCount = rule.arrayCount
    var (largest, scratchBytes, sharedCount) = (0, 0, 0)
    for index in run.members {
      guard let matrix = shape(of: index, by: rule) else { continue }
      largest = max(largest, matrix.count)
      scratchBytes = max(scratchBytes, rule.scratchBytes(matrix, dtype))
      if isShared[index] { sharedCount += arrayCount * matrix.count }
    }
    let stride = arrayCount == 1 ? largest * width : (largest * width + 63) / 64 * 64
    let space = workspace.reserve(
      shared: sharedCount, matrix: arrayCount * stride, scratch: scratchBytes)
    let arrays = MatrixArrays(start: space.matrix, stride: stride)
    var place = 0
    if sharedCount > 0 {
      space.shared.update(repeating: 0)
      for index in run.members where isShared[index] {
        let first = place
        let count = members[index].range.count
        forEachBlock(of: index, in: shares, checksums: checksums, phase: .state) { start, slice in
          rule.accumulate(slice, scalars: scalars, into: arrays)
          for array in 0..<arrayCount {
            dl_cast(
              dtype.kernel, arrays[array], DType.float64.kernel,
              space.shared.baseAddress.map { $0 + first + array * count + start }, slice.count)
          }
        }
        place += arrayCount * count
      }
      try sum(space.shared)
      place = 0
    }
    for index in run.members {
      let range = members[index].range
      defer { if isShared[index] { place += arrayCount * range.count } }
      guard let matrix = shape(of: index, by: rule), !range.isEmpty,
        shares.contains(where: { $0.range.overlaps(range) })
      else { continue }
      if isShared[index] {
        for array in 0..<arrayCount {
          dl_cast(
            DType.float64.kernel, space.shared.baseAddress.map { $0 + place + array * range.count },
            dtype.kernel, arrays[array], range.count)
        }
      } else {
        forEachBlock(of: index, in: shares, checksums: checksums, phase: .state) { start, slice in
          rule.accumulate(slice, scalars: scalars, into: arrays.advanced(byBytes: start * width))
        }
      }
      rule.prepare(arrays, of: matrix, dtype: dtype, scalars: scalars, scratch: space.scratch)
      forEachBlock(of: index, in: shares, checksums: checksums, phase: .step) { start, slice in
        rule.apply(
          slice, scalars: scalars, arrays: arrays.advanced(byBytes: start * width), of: matrix)
      }
    }
  }
}
