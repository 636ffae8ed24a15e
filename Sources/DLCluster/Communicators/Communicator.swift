import DLCore

/// The connection of a rank to its peers; one object per rank, used by that rank's thread
/// alone.
///
/// Every call is collective: all ranks make the same calls in the same order, with zero rows too.
public protocol Communicator: AnyObject {
  /// This rank's index, 0 ..< size.
  var rank: Int { get }
  /// The number of ranks.
  var size: Int { get }

  /// Sums `count` elements over all ranks, in place, along `ReductionTree`: every rank receives
  /// the same bits.
  func allreduceSum(_ buffer: UnsafeMutableRawPointer, count: Int, type: ElementType) throws

  /// Gathers equal contributions in rank order; `receive.count` is `size * send.count`.
  func allgather(
    _ send: UnsafeRawBufferPointer, into receive: UnsafeMutableRawBufferPointer) throws

  /// Copies the root's bytes to every rank.
  func broadcast(_ buffer: UnsafeMutableRawBufferPointer, root: Int) throws

  /// Returns when every rank has arrived.
  func barrier() throws

  /// Makes a communicator of the ranks that pass the same color, ordered by key, then rank.
  func split(color: Int, key: Int) throws -> any Communicator

  /// Whom this rank shares memory with; nil for a part of a job's ranks, which lays out no arenas.
  var topology: Topology? { get }
}
