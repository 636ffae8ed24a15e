extension ArenaUpdate {
  /// Takes a step whose rate depends on the norms of each whole tensor.
  ///
  /// Sums are made per block and added up in the order of the blocks.
  func updateByNorms(
    _ run: Run, by rule: any TensorNormOptimizer, _ shares: [OwnedSlice], scalars: StepScalars,
    checksums: ShareChecksums?, sum: (UnsafeMutableBufferPointer<Double>) throws -> Void
  ) rethrows {
    let count = members[run.members].reduce(0) { $0 + ArenaUpdate.blockCount(of: $1.range) }
    try withUnsafeTemporaryAllocation(of: SquareSums.self, capacity: max(count, 1)) { sums in
      sums.initialize(repeating: SquareSums())
      var place = 0
      for index in run.members {
        forEachBlock(of: index, in: shares, checksums: checksums, phase: .state) { start, slice in
          sums[place + start / ArenaUpdate.blockSize] = rule.accumulate(slice, scalars: scalars)
        }
        place += ArenaUpdate.blockCount(of: members[index].range)
      }
      try sums.withMemoryRebound(to: Double.self) { try sum($0) }
      place = 0
      for index in run.members {
        let end = place + ArenaUpdate.blockCount(of: members[index].range)
        let both = sums[place..<end].reduce(SquareSums(), +)
        forEachBlock(of: index, in: shares, checksums: checksums, phase: .step) { _, slice in
          rule.apply(slice, scalars: scalars, sums: both)
        }
        place = end
      }
    }
  }
}
