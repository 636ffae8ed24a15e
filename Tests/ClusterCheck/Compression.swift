import DLCluster

private let codecs: [any GradientCodec] = [
  BFloat16Codec(), Float16Codec(), TopKCodec(ratio: 0.02), PowerSGDCodec(rank: 2),
]

/// Blocks as of a network, some too small to compress.
private let lengths = [2048, 16, 16_384, 5000, 10, 300, 4608, 1]

/// Gradients compressed between domains: what is left out is kept, saved, and sent later.
func checkCompression(_ group: any Communicator, _ title: String) throws -> Int {
  var failures = 0
  for codec in codecs {
    guard let check = try CompressionCheck(group, codec) else { return 1 }
    let name = "\(title) \(group.size): compressed, \(codec.name)"
    failures += try verdict(group, "\(name): nothing is lost", check.losesNothing())
    failures += try verdict(group, "\(name): goes on from a copy", check.goesOn())
    failures += try verdict(group, "\(name): finds what is no number", check.findsNaN())
  }
  return failures
}

private final class CompressionCheck {
  let group: any Communicator
  let codec: any GradientCodec
  let arena: ShardedReducer
  let blocks: [Range<Int>]
  let cuts: [Int]
  private var step = 0
  private var count: Int { cuts.last ?? 0 }
  private var own: Range<Int> { cuts[group.rank]..<cuts[group.rank + 1] }

  init?(_ group: any Communicator, _ codec: any GradientCodec) throws {
    guard let topology = group.topology else { return nil }
    self.group = group
    self.codec = codec
    let starts = lengths.reduce(into: [0]) { $0.append(($0.last ?? 0) + $1) }
    let blocks = zip(starts, starts.dropFirst()).map { $0..<$1 }
    self.blocks = blocks
    cuts = (0...group.size).map { starts[$0 * blocks.count / group.size] }
    arena = try ShardedReducer(group, topology, byteCount: 4 * (starts.last ?? 0))
    let note = try arena.compress(
      by: codec, blocks: blocks.map(CompressionCheck.rows), cuts: [cuts])
    if (note == nil) != (arena.errorArrays == 0) { return nil }
  }

  private static func rows(_ block: Range<Int>) -> GradientBlock {
    GradientBlock(block, columns: 48, start: block.lowerBound % 48)
  }

  private func leaf(_ rank: Int, _ index: Int, _ step: Int) -> Float {
    let mixed = UInt64(rank &* 1_000_003 &+ index &+ step &* 77_777) &* 0x9e37_79b9_7f4a_7c15
    return Float(Int64(mixed >> 40) - (1 << 23)) / Float(1 << 23)
  }

  /// Reduces made-up gradients in two parts, as buckets are.
  private func reduce(_ arena: ShardedReducer, _ step: Int, _ bad: Int? = nil) throws -> [Float] {
    let gradients = arena.gradients.bindMemory(to: Float.self, capacity: count)
    for index in 0..<count { gradients[index] = leaf(group.rank, index, step) }
    if let bad, group.rank == group.size - 1 { gradients[bad] = .nan }
    let middle = blocks[3].lowerBound
    for range in [middle..<count, 0..<middle] {
      let cuts = cuts.map { min(max($0, range.lowerBound), range.upperBound) }
      let own = [cuts[group.rank]..<cuts[group.rank + 1]]
      try arena.reduce(cuts, blocks: own[...], type: .float32) { _ in }
    }
    let result = own.map { gradients[$0] }
    try group.barrier()
    return result
  }

  /// The errors of all senders, gathered and known to all.
  private func errors() throws -> [[Float]] {
    try (0..<arena.errorArrays).map { array in
      var all = [Float](repeating: 0, count: arena.errorCount)
      try arena.gatherErrors(array: array) { numbers, place in
        for (index, number) in numbers.enumerated() { all[place + index] = number }
      }
      try all.withUnsafeMutableBytes { try group.broadcast($0, root: 0) }
      return all
    }
  }

  /// What owners got in all and what senders keep is what there was to send.
  func losesNothing() throws -> Bool {
    var sums = own.map { _ in 0.0 }
    for _ in 0..<6 {
      step += 1
      for (place, value) in try reduce(arena, step).enumerated() { sums[place] += Double(value) }
    }
    var place = 0
    var isRight = true
    let errors = try errors()
    for block in blocks {
      for index in block where own.contains(index) {
        let wanted = (1...step).reduce(0.0) { sum, step in
          (0..<group.size).reduce(sum) { $0 + Double(leaf($1, index, step)) }
        }
        let kept = errors.reduce(0.0) { $0 + Double($1[place + index - block.lowerBound]) }
        isRight = isRight && abs(sums[index - own.lowerBound] + kept - wanted) < 1e-4
      }
      place += block.count + codec.stateCount(CompressionCheck.rows(block))
    }
    // More than nothing was kept, where there was anything to compress.
    return isRight && errors.allSatisfy { $0.contains { $0 != 0 } }
  }

  /// Another arena that takes the errors up makes the same sums to the bit.
  func goesOn() throws -> Bool {
    guard let other = try CompressionCheck(group, codec)?.arena else { return false }
    let errors = try errors()
    try other.restoreErrors { array, place, buffer in
      for index in buffer.indices { buffer[index] = errors[array][place + index] }
    }
    try group.barrier()
    step += 1
    let (mine, its) = (try reduce(arena, step), try reduce(other, step))
    return mine.map(\.bitPattern) == its.map(\.bitPattern)
  }

  /// One gradient that is no number shows in its block alone, and is gone at the next step.
  func findsNaN() throws -> Bool {
    var isRight = true
    for block in blocks {
      step += 1
      let found = try reduce(arena, step, block.upperBound - 1)
      isRight =
        isRight
        && (!own.overlaps(block)
          || block.contains { !found[$0 - own.lowerBound].isFinite })
      isRight =
        isRight
        && own.allSatisfy { block.contains($0) || found[$0 - own.lowerBound].isFinite }
      step += 1
      isRight = try reduce(arena, step).allSatisfy(\.isFinite) && isRight
    }
    return isRight
  }
}
