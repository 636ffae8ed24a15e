import CSystem
import DLCluster
import DLCore
import DLData
import DLTraining

extension World {
  /// Runs `body` as every rank of a job.
  ///
  /// - Parameters:
  ///   - ranks: the number of ranks asked for on the command line.
  ///   - virtualRanks: the number that the job is laid out for.
  ///   - reduction: the way of gradients between processes of a host.
  /// - Returns: what the first rank of this process returns.
  /// - Throws: a usage error where the numbers do not fit the processes; what the ranks throw.
  package func run<R: Sendable>(
    ranks: Int? = nil, virtualRanks: Int? = nil, reduction: ReductionPath = .shared,
    _ body: @escaping @Sendable (any Communicator) throws -> R
  ) throws -> R {
    let threads = try layOut(ranks: ranks, virtualRanks: virtualRanks, reduction)
    return try run(threads: threads, reduction, body)
  }

  /// Runs `body` as ``run(ranks:virtualRanks:reduction:_:)`` does, with a thread beside it that ends
  /// the job where its ranks stand still or a host falls silent.
  ///
  /// - Throws: as ``run(ranks:virtualRanks:reduction:_:)``; `ClusterError` without memory for the
  ///   ranks' progress; `ThreadError` where that thread cannot be started.
  package func run<R: Sendable>(
    ranks: Int?, virtualRanks: Int?, reduction: ReductionPath,
    watched limits: WatchdogConfiguration,
    _ body: @escaping @Sendable (any Communicator, RankProgress) throws -> R
  ) throws -> R {
    let threads = try layOut(ranks: ranks, virtualRanks: virtualRanks, reduction)
    let board: ProgressTable
    var heartbeats: Heartbeats?
    if let runtime {
      board = try .make(
        over: runtime.world, host: runtime.processorName, threads: threads,
        sharesHosts: reduction == .shared)
      do {
        heartbeats = try Heartbeats.make(over: runtime.world, board)
      } catch let error as ClusterError where error.exitCode == .usage {
        warn("\(error); a host that falls silent is found by its launcher alone")
      }
    } else {
      board = try ProgressTable(threads: threads)
    }
    let watchdog = try Watchdog(
      board, rank: processes.rank * threads, heartbeats: heartbeats, limits: limits,
      warn: { [logger] in logger.warning("\($0)") },
      stop: { [signals, isLaunched] in World.stop($0, signals, isLaunched: isLaunched) })
    let result: R
    do {
      result = try run(threads: threads, reduction) { try body($0, board.progress(of: $0.rank)) }
    } catch let error as RankFailure {
      // All ranks have it, and come to this.
      watchdog.finish()
      throw error
    }
    watchdog.finish()
    return result
  }

  private func run<R: Sendable>(
    threads: Int, _ reduction: ReductionPath,
    _ body: @escaping @Sendable (any Communicator) throws -> R
  ) throws -> R {
    let cores = Int(dl_cores_in_mask())
    if cores < threads, isFirst {
      let isNarrowed = cores < Int(dl_cores_online())
      warn(
        "\(threads) ranks of this process share \(counted(cores, "core"))"
          + (isNarrowed
            ? " of its affinity mask, of \(dl_cores_online()) in the machine; use mpirun --bind-to none"
            : "; \(cores) would be as fast"))
    }
    try agreed("reserve memory") {
      try WorkMemory.reserve(
        ranks: threads, stackBytes: isLaunched && threads == 1 ? 0 : ThreadGroup.defaultStackBytes)
    }
    MachineMemory.share(threads: threads, ranksOfHost: threads * (runtime?.nodeLocal.size ?? 1))
    let isAlone = runtime == nil
    let located: @Sendable (any Communicator) throws -> R = { communicator in
      do {
        return try body(communicator)
      } catch let error as RankFailure {
        throw error
      } catch let error as ClusterError where error.isPeerFailure {
        throw error
      } catch {
        let failure = LocalFailure(error, rank: communicator.rank, ranks: communicator.size)
        if isAlone { throw failure.agreed }
        throw failure
      }
    }
    if let runtime {
      return try HostCommunicator.run(
        over: runtime.world, threads: threads, sharesHosts: reduction == .shared,
        report: { warn("\($0); ranks of a host talk by MPI") }, body: located)[0]
    }
    return try ThreadGroup.run(ranks: threads, body: located)[0]
  }

  /// The ranks of each process, after all have agreed that they mean the same.
  private func layOut(ranks: Int?, virtualRanks: Int?, _ reduction: ReductionPath) throws -> Int {
    let threads = try agreed("lay out the ranks") {
      try threadsPerProcess(ranks: ranks, virtualRanks: virtualRanks)
    }
    let all = try processes.allgather([Int64(threads), reduction == .shared ? 0 : 1])
    for process in 0..<processCount {
      let difference =
        all[2 * process] != all[0]
        ? "hosts \(counted(Int(all[2 * process]), "rank")), process 0 has \(all[0])"
        : all[2 * process + 1] != all[1] ? "has another \(OptionName.reduce) than process 0" : nil
      guard let difference else { continue }
      throw RankFailure(
        rank: process, exitCode: .usage,
        message: "not all processes run the same job: process \(process) \(difference); start all "
          + "with the same virtual_ranks, \(OptionName.ranks) and \(OptionName.reduce)")
    }
    return threads
  }

  /// Checks that the processes can host so many ranks.
  ///
  /// - Throws: `UsageError` where they cannot.
  package func check(ranks: Int?, virtualRanks: Int?) throws {
    _ = try threadsPerProcess(ranks: ranks, virtualRanks: virtualRanks)
  }

  private func threadsPerProcess(ranks: Int?, virtualRanks: Int?) throws -> Int {
    if let ranks, let virtualRanks, ranks != virtualRanks {
      throw UsageError(
        "\(OptionName.ranks) \(ranks): the job has virtual_ranks: \(virtualRanks); give the same number or leave it out"
      )
    }
    let total =
      ranks ?? virtualRanks ?? (isLaunched ? processCount : max(Int(dl_cores_in_mask()), 1))
    let name = ranks == nil ? "virtual_ranks" : "\(OptionName.ranks)"
    guard total >= 1 else { throw UsageError("\(name) \(total): give at least 1") }
    guard total % processCount == 0 else {
      throw UsageError(
        "\(name) \(total): \(counted(processCount, "process", "processes")) cannot host as many ranks each; use a number of "
          + "processes that divides \(total)")
    }
    guard total / processCount <= 1024 else {
      throw UsageError("\(name) \(total): a process hosts at most 1024 ranks; use fewer")
    }
    return total / processCount
  }
}

/// The way of gradients and parameters between the processes of a host.
package enum ReductionPath: String, Sendable, CaseIterable {
  /// Through the memory of the host, where it has enough.
  case shared
  /// By MPI alone, each process with parameters of its own.
  case mpi
}

/// The layout of ranks over processes and threads.
package struct RankLayout: Sendable {
  /// The processes that a launcher started; nil without one.
  let processes: Int?

  /// As in `4 ranks (2 processes x 2 threads)`.
  package func text(ranks: Int) -> String {
    guard ranks > 1 else { return "1 rank" }
    let count = counted(ranks, "rank")
    guard let processes else { return "\(count) (threads)" }
    let threads = ranks / processes
    return threads == 1
      ? "\(count) (processes)"
      : "\(count) (\(counted(processes, "process", "processes")) x \(threads) threads)"
  }
}
