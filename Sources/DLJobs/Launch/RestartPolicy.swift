import DLCluster
import DLCore

/// The end of a job, as far as mpirun and what it wrote tell.
package struct JobEnd: Sendable, Equatable {
  /// mpirun's exit code, or 128 and the signal that ended it.
  package var status: Int32
  /// True if ranks were ended by a signal and not by agreement.
  package var isSudden: Bool
  /// Why, in a few words.
  package var reason: String
  /// Hosts that mpirun lost.
  package var lostHosts: Set<String>
  /// True if mpirun did not take its options, so that no rank began.
  package var isRefused: Bool

  /// Notes an end.
  package init(
    status: Int32, isSudden: Bool = false, reason: String = "", lostHosts: Set<String> = [],
    isRefused: Bool = false
  ) {
    self.status = status
    self.isSudden = isSudden
    self.reason = reason
    self.lostHosts = lostHosts
    self.isRefused = isRefused
  }
}

/// The rule by which a job that has ended is started again or not.
package struct RestartPolicy: Sendable, Equatable {
  /// The next thing to do.
  package enum Decision: Sendable, Equatable {
    /// It ended as it should, or as it always would: end with this code.
    case finish(ExitCode)
    /// Start it again.
    case restart
    /// It was told to stop: end so.
    case stop
    /// It has failed too often: end with this code.
    case giveUp(ExitCode)
  }

  /// Restarts that are allowed.
  package var maxRestarts: Int

  /// Makes a policy.
  package init(maxRestarts: Int) { self.maxRestarts = maxRestarts }

  /// Decides.
  ///
  /// Success and faults that every start would meet again (64, 65) are final, and so is 75 by
  /// agreement: the ranks were asked to stop, or the run belongs to another job.
  ///
  /// - Parameters:
  ///   - end: how the job ended.
  ///   - restarts: restarts so far.
  ///   - isStopping: whether the job was told to stop.
  ///   - hasCheckpoint: whether the run could go on from a checkpoint.
  package func decide(_ end: JobEnd, restarts: Int, isStopping: Bool, hasCheckpoint: Bool)
    -> Decision
  {
    let code = ExitCode(rawValue: end.status)
    switch code {
    case .success, .usage, .data: return .finish(code ?? .success)
    case .fault where isStopping, .io where isStopping: return .finish(code ?? .fault)
    case .resumable where !end.isSudden: return .finish(.resumable)
    default: break
    }
    if isStopping { return .stop }
    if restarts < maxRestarts { return .restart }
    return .giveUp(code ?? (hasCheckpoint ? .resumable : .fault))
  }

  /// Seconds to wait before a restart, counted from 1: short for the first, so that a lost rank
  /// costs little, longer while it goes on.
  package static func delaySeconds(restart: Int) -> Double {
    min(0.2 * Double(1 << min(max(restart - 1, 0), 5)), 5)
  }

  /// The number of processes to start: as many as wanted and possible.
  ///
  /// - Parameters:
  ///   - wanted: the number asked for.
  ///   - slots: the ranks that the hosts take; nil for no limit.
  ///   - ranks: the number of ranks that the job is laid out for, which the processes must share
  ///     evenly; nil for one rank per process.
  /// - Returns: nil where not even one process fits.
  package static func processes(wanted: Int, slots: Int?, ranks: Int?) -> Int? {
    let most = min(wanted, slots ?? wanted)
    guard most >= 1 else { return nil }
    guard let ranks else { return most }
    return (1...most).last { ranks % $0 == 0 }
  }
}
