import CKernels
import DLCluster
import DLCore
import DLFormats
import DLTraining
import Foundation
import Synchronization

/// The failure of a job that failed too often.
package struct LaunchError: DLError {
  /// The run folder.
  package let folder: String
  /// The reasons why the starts failed, in their order.
  package let reasons: [String]
  /// That of the last failure: 75 where the run could go on from a checkpoint.
  package let exitCode: ExitCode

  /// One line, and one for each failure.
  package var description: String {
    let next =
      exitCode == .resumable
      ? "; the checkpoints stand, go on with \(OptionName.resume) auto \(OptionName.out) \(folder)"
      : ""
    let head = "gave up after \(reasons.count) failure\(reasons.count == 1 ? "" : "s")\(next)"
    let list = reasons.enumerated().map { "failure \($0 + 1): \($1)" }
    return ([head] + list).joined(separator: "\n")
  }
}

/// Starts a training under mpirun, watches it, and starts it again when a rank or a host is lost.
package struct LaunchJob: Sendable {
  /// Processes to start.
  package var processes = 1
  /// Restarts before it gives up.
  package var maxRestarts = 3
  /// The hosts; nil for this one, or those of a batch system.
  package var hostfile: String?
  /// Seconds that the ranks have after a signal to finish their step and write a checkpoint.
  package var stopLimitSeconds = 300.0
  /// Options for mpirun.
  package var mpirunOptions: [String] = []
  /// The program that a start runs.
  package var program = ""
  /// The arguments of a start: those that train into the run folder, and go on with what it holds if
  /// `resumes`.
  package var arguments: @Sendable (_ folder: String, _ resumes: Bool) -> [String] = { _, _ in [] }
  /// The training that the arguments ask for.
  package var training = TrainingJob()

  /// Above it mpirun itself fails, or asks for more memory than there is.
  private static let mostProcesses = 16384

  /// Makes a job of one process.
  package init() {}

  /// Runs the job to its end.
  ///
  /// - Parameters:
  ///   - world: this process alone; its signals are handed to the job from here on.
  ///   - configuration: what the arguments resolve to.
  /// - Returns: the job's exit code.
  /// - Throws: `UsageError` where it cannot be started; ``LaunchError`` where it failed too often.
  package func run(in world: World, configuration: Configuration) throws -> ExitCode {
    guard !world.isLaunched else {
      throw UsageError("launch starts mpirun itself; call it without mpirun or srun")
    }
    guard processes <= LaunchJob.mostProcesses else {
      throw UsageError(
        "\(OptionName.processes) \(processes): give at most \(LaunchJob.mostProcesses)")
    }
    guard maxRestarts >= 0 else {
      throw UsageError("\(OptionName.maxRestarts) \(maxRestarts): give 0 or more")
    }
    guard stopLimitSeconds >= 0 else {
      throw UsageError("\(OptionName.stopLimit) \(stopLimitSeconds): give 0 or more seconds")
    }
    let ranks = training.ranks ?? configuration.virtualRanks
    let hosts = try hostfile.map { try Hostfile(path: $0) }
    guard processes >= 1,
      RestartPolicy.processes(wanted: processes, slots: nil, ranks: ranks) == processes
    else {
      let what =
        ranks.map { "a number that divides the job's \(counted($0, "rank"))" } ?? "1 or more"
      throw UsageError("\(OptionName.processes) \(processes): give \(what)")
    }
    if let hosts, hosts.slots < processes {
      throw UsageError(
        "\(OptionName.processes) \(processes): \(hostfile ?? "") has slots for "
          + "\(counted(hosts.slots, "rank")); give it more slots or start fewer")
    }
    let folder = try training.folder(name: configuration.runName)
    return try Supervisor(
      job: self, ranks: ranks, hosts: hosts, folder: folder, logger: world.logger,
      signals: world.signals
    ).run()
  }
}
