import DLCore

/// The memory of a model's parameters and gradients on one rank, and what the ranks do with it in a
/// step: sum the gradients, and hear of each other's updates.
///
/// A run of elements is cut into one share for each rank: share r is `cuts[r]..<cuts[r + 1]`. Where
/// the arena is not ``isSharded``, every rank's share is the whole run.
package protocol GradientReducer: AnyObject {
  /// The parameters; other ranks may have the same memory.
  var values: UnsafeMutableRawPointer { get }
  /// This rank's gradients.
  var gradients: UnsafeMutableRawPointer { get }
  /// True if the optimizer state is shared out: each rank updates its own share.
  var isSharded: Bool { get }
  /// True if this rank writes the parameters for all that have the same memory, as at loading.
  var writesValues: Bool { get }
  /// The bytes that went between ranks that share no memory so far, over all of them; nothing is
  /// counted where the arena is not ``isSharded``.
  var traffic: CommunicationVolume { get }

  /// The first of the ranks that have the same parameters; nil where nobody else has them.
  var holder: Int? { get }

  /// Sums the gradients of all ranks along `ReductionTree`; behind it this rank's gradients hold
  /// the sums within its share, and anything elsewhere.
  ///
  /// - Parameters:
  ///   - cuts: the bounds of the shares.
  ///   - blocks: this rank's share in pieces, in order.
  ///   - summed: told of each block once it is summed, while it is in the cache.
  func reduce(
    _ cuts: [Int], blocks: ArraySlice<Range<Int>>, type: ElementType,
    summed: (Range<Int>) throws -> Void) throws

  /// Makes known what every rank has written into its share of the parameters.
  func publish(_ cuts: [Int], type: ElementType) throws

  /// Waits for those who have the same parameters.
  func synchronize() throws

  /// This rank's part of a range of parameters, where all who have the same change it together.
  func part(of range: Range<Int>) -> Range<Int>
}

extension GradientReducer {
  /// Nothing.
  package var traffic: CommunicationVolume { CommunicationVolume() }
}

/// An arena that each rank holds and updates whole.
package final class ReplicatedReducer: GradientReducer {
  /// This rank's parameters.
  package let values: UnsafeMutableRawPointer
  /// This rank's gradients.
  package let gradients: UnsafeMutableRawPointer
  /// False.
  package let isSharded = false
  /// True.
  package let writesValues = true

  /// Nil.
  package let holder: Int? = nil

  private let communicator: any Communicator
  private let memory: [SharedMemory]

  /// Makes an arena of zeros.
  ///
  /// - Throws: ``ClusterError/system(op:errno:detail:)`` without memory.
  package init(_ communicator: any Communicator, byteCount: Int) throws {
    self.communicator = communicator
    memory = [try SharedMemory(byteCount: byteCount), try SharedMemory(byteCount: byteCount)]
    values = memory[0].pointer
    gradients = memory[1].pointer
  }

  /// Sums the whole run on every rank.
  ///
  /// - Throws: `ClusterError` where the ranks cannot sum, since one has failed or is lost; what
  ///   `summed` throws.
  package func reduce(
    _ cuts: [Int], blocks: ArraySlice<Range<Int>>, type: ElementType,
    summed: (Range<Int>) throws -> Void
  ) throws {
    if let first = cuts.first, let last = cuts.last {
      try communicator.allreduceSum(
        gradients + first * type.byteCount, count: last - first, type: type)
    }
    for block in blocks { try summed(block) }
  }

  /// Every rank has made the same update.
  ///
  /// - Throws: nothing.
  package func publish(_ cuts: [Int], type: ElementType) throws {}

  /// Nobody has the same parameters.
  ///
  /// - Throws: nothing.
  package func synchronize() throws {}

  /// All of it.
  package func part(of range: Range<Int>) -> Range<Int> { range }
}
