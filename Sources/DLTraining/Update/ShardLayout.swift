import DLLayers
import DLOptimizers

/// The division of a phase's elements over the ranks: blocks of tensors, and in each bucket a run of
/// blocks for each rank, its shard.
///
/// Sums of squares are made per block and added up in the order of the blocks, so that norms do not
/// depend on who owns which.
struct ShardLayout {
  /// A run of whole parameters whose gradients are reduced together.
  struct Bucket {
    /// Its parameters, by their index in the arena.
    let parameters: Range<Int>
    /// The bounds of the ranks' shards, in elements of the arena; the whole for an arena that is not
    /// sharded.
    let bounds: [Int]
    /// This rank's elements.
    let owned: Range<Int>
    /// This rank's blocks.
    let ownedBlocks: Range<Int>
    /// The place where this rank's elements begin in its vectors of state, in elements.
    let offset: Int
  }

  /// The elements of the phase.
  let elements: Range<Int>
  /// Each tensor in blocks of at most ``ArenaUpdate/blockSize`` elements, with the gap behind it.
  let blocks: [Range<Int>]
  /// The buckets, in the order of the arena.
  let buckets: [Bucket]
  /// The elements that this rank owns.
  let ownedCount: Int

  /// Cuts a run of parameters into buckets, and each into shares of about the same size, at the
  /// bounds of blocks.
  ///
  /// - Parameter bucketBytes: a bucket ends, seen from the last parameter on, before the one that
  ///   would make it longer; nil for one bucket.
  init(
    _ arena: ParameterArena, _ parameters: Range<Int>, rank: Int, ranks: Int,
    bucketBytes: Int? = nil
  ) {
    elements = arena.elements(of: parameters)
    let isSharded = arena.exchange.isSharded
    var blocks: [Range<Int>] = []
    var buckets: [Bucket] = []
    var offset = 0
    for run in ShardLayout.runs(arena, parameters, bucketBytes) {
      let first = blocks.count
      for index in run {
        blocks += Array(ArenaUpdate.blocks(of: arena.elements(of: index..<index + 1)))
      }
      let elements = arena.elements(of: run)
      let firsts =
        isSharded
        ? ShardLayout.firsts(of: blocks[first...], elements, ranks) : [first, blocks.count]
      let bounds = firsts.map { $0 < blocks.count ? blocks[$0].lowerBound : elements.upperBound }
      let part = isSharded ? rank : 0
      let bucket = Bucket(
        parameters: run, bounds: bounds, owned: bounds[part]..<bounds[part + 1],
        ownedBlocks: firsts[part]..<firsts[part + 1], offset: offset)
      offset += bucket.owned.count
      buckets.append(bucket)
    }
    self.blocks = blocks
    self.buckets = buckets
    ownedCount = offset
  }

  /// True if this rank owns all elements.
  var ownsAll: Bool { ownedCount == elements.count }

  /// The first block of each rank's share, and the end: a share begins with the first block that
  /// begins at or behind its even part.
  private static func firsts(
    of blocks: ArraySlice<Range<Int>>, _ elements: Range<Int>, _ ranks: Int
  ) -> [Int] {
    var block = blocks.startIndex
    let starts = (0..<ranks).map { part in
      let even = elements.lowerBound + elements.count / ranks * part
      while block < blocks.endIndex, blocks[block].lowerBound < even { block += 1 }
      return block
    }
    return starts + [blocks.endIndex]
  }

  /// The parameters of each bucket, in the order of the arena.
  private static func runs(_ arena: ParameterArena, _ parameters: Range<Int>, _ bucketBytes: Int?)
    -> [Range<Int>]
  {
    guard let bucketBytes, !parameters.isEmpty else { return [parameters] }
    var runs: [Range<Int>] = []
    var end = parameters.upperBound
    for index in parameters.reversed() where index > parameters.lowerBound {
      let longer = arena.elements(of: index - 1..<end).count * arena.dtype.byteCount
      if longer > bucketBytes {
        runs.append(index..<end)
        end = index
      }
    }
    return [parameters.lowerBound..<end] + runs.reversed()
  }
}
