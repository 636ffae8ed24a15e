/// Gradients that are compressed on their way between domains.
extension ShardedReducer {
  /// Compresses gradients of float32 between domains from now on; collective, and before
  /// ``overlap(_:type:track:)``.
  ///
  /// - Parameters:
  ///   - blocks: the arena's blocks in ascending order, each of one tensor and of at most 65,536
  ///     elements.
  ///   - cuts: the bounds of shares that gradients are to be reduced with, at bounds of blocks.
  /// - Returns: what the kept errors are a state of: the codec and the layout of the domains; nil
  ///   where one domain holds all ranks, so that there is nothing to compress.
  /// - Throws: ``ClusterError`` without memory, or for blocks that are too long.
  package func compress(by codec: any GradientCodec, blocks: [GradientBlock], cuts: [[Int]]) throws
    -> String?
  {
    guard let route else { return nil }
    if let block = blocks.first(where: { $0.count > largestCompressedBlock }) {
      throw ClusterError.invalidArgument(
        op: "compress", rank: route.me, size: route.link.processes.size,
        detail: "a block of \(block.count) elements, the most are \(largestCompressedBlock)")
    }
    try route.compress(by: codec, blocks, cuts: cuts)
    return route.compressionNote
  }

  /// The arrays that ``gatherErrors(array:take:)`` gathers: one less than there are domains.
  package var errorArrays: Int { route?.recordArrays ?? 0 }
  /// The numbers of each.
  package var errorCount: Int { route?.recordCount ?? 0 }

  /// Brings the errors that senders keep together on rank 0; collective.
  ///
  /// - Parameter take: takes numbers from a place of the array on, on rank 0; the others are zeros.
  /// - Throws: `ClusterError` where MPI fails, on all ranks of the process.
  package func gatherErrors(array: Int, take: (UnsafeBufferPointer<Float>, Int) -> Void) throws {
    try route?.gather(array: array, take: take)
  }

  /// Takes up the errors that this rank's process keeps.
  ///
  /// - Parameter read: fills a buffer with the numbers of an array from a place on.
  /// - Throws: what `read` throws.
  package func restoreErrors(
    _ read: (_ array: Int, _ place: Int, UnsafeMutableBufferPointer<Float>) throws -> Void
  ) throws {
    try route?.restore(read)
  }
}
