import DLCluster

/// A way to sum a buffer of floats over all ranks, to be measured beside others.
struct NamedReduction {
  /// Its name in a table.
  let name: String
  /// The bytes that all ranks of a host together must read and write in memory to sum buffers of
  /// `bytes` over `ranks`, by this way's own layout.
  let traffic: (_ bytes: Int, _ ranks: Int) -> Int
  /// Makes a buffer of `bytes`, filled with zeros and touched, and what sums it.
  let prepare: (_ bytes: Int) throws -> Prepared

  /// A buffer and the sum over it.
  struct Prepared {
    let owner: AnyObject
    let sum: () throws -> Void
    /// The bytes that one sum sends between processes that share no memory, over all of them; nil
    /// where it is not counted.
    var sentBytes: () throws -> Int? = { nil }
  }

  /// True if it is the library's own sum, which others are compared with.
  var isReference = false

  /// The ways that a communicator has, the one that training uses first.
  static func all(_ communicator: any Communicator, codecs: [any GradientCodec]) -> [NamedReduction]
  {
    let base = (communicator as? HostCommunicator)?.base ?? communicator
    var all = communicator.topology.map { [shares(communicator, $0)] } ?? []
    if let apart = base.topology {
      if !codecs.isEmpty, base !== communicator { all.append(shares(base, apart)) }
      all += codecs.map { shares(base, apart, $0) }
    }
    all.append(tree(base))
    if let processes = base as? MPICommunicator { all.append(library(processes)) }
    return all
  }

  /// The sum that a step makes: each rank sums its share of all ranks' gradients.
  ///
  /// Then all wait for each other before the parameters are read again. Every gradient is read, and
  /// one sum is written.
  private static func shares(
    _ communicator: any Communicator, _ topology: Topology,
    _ codec: (any GradientCodec)? = nil
  ) -> NamedReduction {
    let way =
      switch communicator {
      case is HostCommunicator: "shares in the host's memory"
      case is MPICommunicator: "shares by MPI"
      case is ProductCommunicator: "shares of threads, by MPI"
      case is ThreadCommunicator: "shares of threads"
      default: "one rank"
      }
    let name = way + (codec.map { ", \($0.name)" } ?? "")
    return NamedReduction(name: name, traffic: { $0 * ($1 + 1) }) { bytes in
      let arena = try ShardedReducer(communicator, topology, byteCount: bytes)
      let (count, ranks, rank) = (bytes / 4, communicator.size, communicator.rank)
      fill(arena.gradients, count, rank)
      let cuts = (0..<ranks).map { count * $0 / ranks / 16 * 16 } + [count]
      let own = [cuts[rank]..<cuts[rank + 1]]
      if let codec {
        let blocks = zip(cuts, cuts.dropFirst()).flatMap { evenBlocks(of: $0..<$1) }
        _ = try arena.compress(by: codec, blocks: blocks, cuts: [cuts])
      }
      func sum() throws {
        try arena.reduce(cuts, blocks: own[...], type: .float32) { _ in }
        try arena.publish(cuts, type: .float32)
      }
      return Prepared(owner: arena, sum: sum) {
        let before = arena.traffic
        try sum()
        let sent = arena.traffic - before
        return sent.gradients + sent.parameters
      }
    }
  }

  /// As long as those of training.
  private static func evenBlocks(of range: Range<Int>) -> [GradientBlock] {
    stride(from: range.lowerBound, to: range.upperBound, by: 16_384).map {
      GradientBlock($0..<min($0 + 16_384, range.upperBound))
    }
  }

  /// Numbers of -1 ..< 1; every sum takes in the last one, and thousands of them stay finite.
  private static func fill(_ gradients: UnsafeMutableRawPointer, _ count: Int, _ rank: Int) {
    let values = gradients.bindMemory(to: Float.self, capacity: count)
    var state = UInt32(truncatingIfNeeded: rank + 1)
    for index in 0..<count {
      state = state &* 1_664_525 &+ 1_013_904_223
      values[index] = Float(Int32(bitPattern: state)) * 0x1p-31
    }
  }

  /// The communicator's own sum: each rank's buffer is read, and takes the result.
  private static func tree(_ communicator: any Communicator) -> NamedReduction {
    let name =
      switch communicator {
      case is ThreadCommunicator: "threads"
      case is MPICommunicator: "MPI, blocking"
      case is ProductCommunicator: "threads and MPI"
      default: "one rank, whole"
      }
    return NamedReduction(name: name, traffic: { 2 * $0 * $1 }) { bytes in
      let buffer = BenchmarkBuffer(bytes)
      return Prepared(owner: buffer) {
        try communicator.allreduceSum(buffer.base, count: bytes / 4, type: .float32)
      }
    }
  }

  private static func library(_ processes: MPICommunicator) -> NamedReduction {
    var reference = NamedReduction(name: "MPI_Allreduce", traffic: { 2 * $0 * $1 }) { bytes in
      let buffer = BenchmarkBuffer(bytes)
      return Prepared(owner: buffer) {
        try processes.referenceAllreduceSum(buffer.base, count: bytes / 4, type: .float32)
      }
    }
    reference.isReference = true
    return reference
  }
}

/// Zeros in memory of their own, every page of which has been written to.
final class BenchmarkBuffer {
  let base: UnsafeMutableRawPointer
  let byteCount: Int

  init(_ byteCount: Int) {
    self.byteCount = byteCount
    base = .allocate(byteCount: max(byteCount, 64), alignment: 64)
    base.initializeMemory(as: UInt8.self, repeating: 0, count: max(byteCount, 64))
  }

  deinit { base.deallocate() }
}
