extension ArenaUpdate {
  /// Takes a step whose rate depends on the norms of each whole tensor.
  ///
  /// Sums are made per block and added up in the order of the blocks.
  func updateByNorms(
    _ run: Run, by rule: any TensorNormOptimizer, _ shares: [OwnedSlice], scalars: StepScalars,
    checksums: ShareChecksums?, sum: (UnsafeMutableBufferPointer<Double>) throws -> Void
  ) rethrows {
    let blocks = run.members.reduce(0) { $0 + ArenaUpdate.blockCount(of: members[$1].range) }
    let width = MemoryLayout<SquareSums>.stride / MemoryLayout<Double>.stride
    let shared = workspace.reserve(shared: blocks * width).shared
    shared.update(repeating: 0)
    var place = 0
    shared.withMemoryRebound(to: SquareSums.self) { sums in
      for index in run.members {
        forEachBlock(of: index, in: shares, checksums: checksums, phase: .state) { start, slice in
          sums[place + start / ArenaUpdate.blockSize] = rule.accumulate(slice, scalars: scalars)
        }
        place += ArenaUpdate.blockCount(of: members[index].range)
      }
    }
    try sum(shared)
    place = 0
    shared.withMemoryRebound(to: SquareSums.self) { sums in
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
