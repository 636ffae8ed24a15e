import DLCluster
import DLCore
import DLData
import DLJobs
import DLTraining

/// Measures the reductions that a set of ranks has, beside MPI's own and the machine's memory.
package struct AllreduceBenchmark: Sendable {
  /// Ranks; nil for what the processes or cores give.
  package var ranks: Int?
  /// Bytes of the buffers that are summed.
  package var sizes = [4 << 10, 64 << 10, 1 << 20, 16 << 20, 44 << 20]
  /// Channels of the synchronized batch normalizations.
  package var channels = [16, 32, 64, 128, 256, 512]
  /// Ways to compress gradients between processes, to be measured too.
  package var codecs: [CompressionConfiguration] = []
  /// About how long a measurement takes, in seconds.
  package var budget = 0.5
  /// Bytes of the vectors that the memory's bandwidth is measured with, for each rank.
  package var streamBytes = 64 << 20

  /// Makes a benchmark of the usual sizes.
  package init() {}

  /// Runs it on all ranks of the world.
  ///
  /// - Returns: the tables as text.
  /// - Throws: `UsageError` for sizes that are no number of floats.
  package func run(in world: World) throws -> String {
    let benchmark = self
    let layout = world.layout
    let isOneHost = world.isOneHost
    try world.agreed("read the command line") {
      for size in sizes where size < 4 || size % 4 != 0 || size > 1 << 33 {
        throw UsageError("sizes \(size): give multiples of 4 bytes up to 8G")
      }
      if !codecs.isEmpty, world.processCount == 1 {
        throw UsageError("codecs: compresses between processes, start several by mpirun")
      }
      if let ranks, ranks < 1 { throw UsageError("ranks \(ranks): give at least 1") }
      guard budget > 0, budget <= 60 else {
        throw UsageError("seconds \(budget): give more than 0, and at most 60")
      }
    }
    return try world.run(ranks: ranks) { communicator in
      try benchmark.measure(communicator, layout, isOneHost: isOneHost)
    }
  }

  private func measure(
    _ communicator: any Communicator, _ layout: RankLayout, isOneHost: Bool
  ) throws -> String {
    try communicator.agreed("look at the memory") {
      // Of each rank its numbers, what it sends and what it has received.
      try (CheckedSize(sizes.max() ?? 0) * 3).checkMemory(
        for: "sizes \(sizes.max() ?? 0)", advice: "give smaller ones", isOfEachRank: true)
    }
    let timer = CallTimer(communicator: communicator, budget: budget)
    // What ranks of several hosts reach together says nothing about either host's memory.
    let bandwidth = isOneHost ? try timer.memoryBandwidth(bytes: streamBytes) : nil
    let reductions = NamedReduction.all(communicator, codecs: codecs.compactMap(\.codec))
    var rows = [["size", "reduction", "time", "GB/s", "of memory", "to MPI_Allreduce", "sent"]]
    for size in sizes {
      let found = try reductions.map { reduction in
        let prepared = try reduction.prepare(size)
        return try withExtendedLifetime(prepared.owner) {
          (time: try timer.seconds(prepared.sum), sent: try prepared.sentBytes())
        }
      }
      let reference = zip(reductions, found).first { $0.0.isReference }?.1.time
      for (reduction, (time, sent)) in zip(reductions, found) {
        let least = bandwidth.map {
          Double(reduction.traffic(size, communicator.size)) / $0
        }
        rows.append([
          sizeText(size), reduction.name, Format.shortTime(time),
          Format.significant(Double(size) / time / 1e9, 3),
          least.map { Format.percent($0 / time, 0) } ?? "-",
          reduction.isReference ? "" : reference.map { Format.fixed($0 / time, 2) + "x" } ?? "-",
          sent.map { $0 > 0 ? Format.bytes($0) : "-" } ?? "-",
        ])
      }
    }
    let columns = Terminal.width
    let title =
      "sum of float32 over \(layout.text(ranks: communicator.size)), in place"
      + (bandwidth.map { "; memory \(Format.fixed($0 / 1e9, 1)) GB/s, all ranks at once" } ?? "")
    return """
      \(Format.wrapped(title, columns, indent: "  "))

      \(Format.table(rows, rightAligned: [0, 2, 3, 4, 5, 6], columns: columns))

      \(Format.wrapped("synchronized batch normalization: what a layer waits in a step", columns))

      \(try statistics(timer))
      """
  }

  /// The gatherings of a layer's moments and of its gradient's sums, by its channels.
  private func statistics(_ timer: CallTimer) throws -> String {
    var rows = [["channels", "forward", "backward", "a layer"]]
    for count in channels {
      let widths = [1 + 2 * count, 2 * count]
      let times = try widths.map { width in
        let mine = BenchmarkBuffer(width * 8)
        let all = BenchmarkBuffer(width * 8 * timer.communicator.size)
        return try timer.seconds {
          try timer.communicator.allgather(
            UnsafeRawBufferPointer(start: mine.base, count: mine.byteCount),
            into: UnsafeMutableRawBufferPointer(start: all.base, count: all.byteCount))
        }
      }
      rows.append([
        "\(count)", Format.shortTime(times[0]), Format.shortTime(times[1]),
        Format.shortTime(times[0] + times[1]),
      ])
    }
    return Format.table(rows, rightAligned: [0, 1, 2, 3])
  }

  /// The bytes that a text like `64K`, `1M` or `4096` stands for; nil where it is none.
  package static func byteCount(_ text: String) -> Int? {
    let units: [Character: Int] = ["K": 1 << 10, "M": 1 << 20, "G": 1 << 30]
    let unit = text.last.flatMap { units[Character($0.uppercased())] }
    guard let number = Int(unit == nil ? text[...] : text.dropLast()), number >= 0 else {
      return nil
    }
    let (bytes, overflow) = number.multipliedReportingOverflow(by: unit ?? 1)
    return overflow ? nil : bytes
  }

  private func sizeText(_ bytes: Int) -> String {
    if bytes >= 1 << 20, bytes % (1 << 20) == 0 { return "\(bytes >> 20) MiB" }
    if bytes >= 1 << 10, bytes % (1 << 10) == 0 { return "\(bytes >> 10) KiB" }
    return "\(Format.grouped(bytes)) B"
  }
}
