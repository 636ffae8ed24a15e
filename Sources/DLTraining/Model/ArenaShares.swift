import DLLayers
import DLOptimizers

/// How the elements of a phase are shared out: blocks of tensors, and a run of blocks for each rank.
///
/// Sums of squares are made per block and added up in the order of the blocks, so that norms do not
/// depend on who owns which.
struct ArenaShares {
  /// The elements of the phase.
  let elements: Range<Int>
  /// Each tensor in blocks of at most ``ArenaUpdate/blockSize`` elements, with the gap behind it.
  let blocks: [Range<Int>]
  /// The bounds of the ranks' shares, in elements of the arena; the whole for an arena that is not
  /// sharded.
  let cuts: [Int]
  /// This rank's elements.
  let own: Range<Int>
  /// This rank's blocks.
  let ownBlocks: Range<Int>

  /// Cuts a run of parameters into shares of about the same size, at the bounds of blocks.
  init(_ arena: ParameterArena, _ parameters: Range<Int>, rank: Int, ranks: Int) {
    let elements = arena.elements(of: parameters)
    self.elements = elements
    blocks = parameters.flatMap { index in
      Array(ArenaUpdate.blocks(of: arena.elements(of: index..<index + 1)))
    }
    guard arena.exchange.isSharded else {
      cuts = [elements.lowerBound, elements.upperBound]
      own = elements
      ownBlocks = blocks.indices
      return
    }
    // A share begins with the first block that begins at or behind its even part.
    var firsts: [Int] = []
    var block = 0
    for part in 0..<ranks {
      let even = elements.lowerBound + elements.count / ranks * part
      while block < blocks.count, blocks[block].lowerBound < even { block += 1 }
      firsts.append(block)
    }
    firsts.append(blocks.count)
    let starts = blocks.map(\.lowerBound) + [elements.upperBound]
    cuts = firsts.map { starts[$0] }
    own = cuts[rank]..<cuts[rank + 1]
    ownBlocks = firsts[rank]..<firsts[rank + 1]
  }
}
