import CKernels
import DLCluster
import DLCore
import DLFormats
import DLTraining
import Foundation
import Glibc
import Logging
import Synchronization

/// Watches one job from its first start to its end.
final class Supervisor {
  private let job: LaunchJob
  private let ranks: Int?
  private let hosts: Hostfile?
  private let folder: String
  private let logger: Logger
  private let policy: RestartPolicy
  private let environment = ProcessInfo.processInfo.environment
  private let signalCount = SignalCount()
  private let checkpoints: CheckpointFolder
  /// Nil where the folder could not be listed, which is for the ranks to say.
  private let checkpointsAtStart: [Int: FileMark]?
  private var reasons: [String] = []
  /// Runs from the end of a job to the first step of the next.
  private var restart: RestartClock?

  init(
    job: LaunchJob, ranks: Int?, hosts: Hostfile?, folder: String, logger: Logger,
    signals: StopSignals
  ) {
    self.job = job
    self.ranks = ranks
    self.hosts = hosts
    self.folder = folder
    self.logger = logger
    policy = RestartPolicy(maxRestarts: job.maxRestarts)
    checkpoints = CheckpointFolder(path: folder + "/checkpoints")
    checkpointsAtStart = try? checkpoints.marks()
    let count = signalCount
    signals.handle {
      count.last.store($0, ordering: .relaxed)
      count.value.add(1, ordering: .relaxed)
    }
  }

  /// Runs the job until it has ended for good.
  func run() throws -> ExitCode {
    defer { removeHostfile() }
    do {
      let code = try runToEnd()
      if code != .success { note(.interrupted, code.rawValue, "told to stop") }
      return code
    } catch let error as LaunchError {
      note(.lostRank, error.exitCode.rawValue, error.reasons.last ?? "")
      throw error
    }
  }

  /// Notes how the job ended, where its ranks were killed before they could.
  private func note(_ reason: RunEnd.Reason, _ code: Int32, _ message: String) {
    RunRecord.close(folder, reason, exitCode: code, message: message)
  }

  /// The exit code of a job that was told to stop: as by the signal where there is nothing to go on
  /// from.
  private func stop() -> ExitCode {
    if hasCheckpoint { return .resumable }
    let number = signalCount.last.load(ordering: .relaxed)
    note(.interrupted, 128 + number, "told to stop")
    logger.notice("told to stop: no checkpoint was written yet, start anew")
    removeHostfile()
    StopSignals.endProcess(by: number)
  }

  private func runToEnd() throws -> ExitCode {
    var lost: Set<String> = []
    while true {
      guard let start = try nextStart(lost) else {
        throw LaunchError(
          folder: folder, reasons: reasons + ["no host is left"], exitCode: failureCode)
      }
      let end = try runOnce(start)
      // Another start would meet it again.
      if end.isRefused {
        throw UsageError("mpirun does not take its options; correct \(OptionName.mpirun)")
      }
      let decision = policy.decide(
        end, restarts: reasons.count, isStopping: isStopping, hasCheckpoint: hasCheckpoint)
      if case .finish(let code) = decision { return code }
      if decision == .stop { return stop() }
      reasons.append(end.reason)
      restart = RestartClock(folder: folder, number: reasons.count)
      if case .giveUp(let code) = decision {
        throw LaunchError(folder: folder, reasons: reasons, exitCode: code)
      }
      lost = unreachable(besides: end.lostHosts)
      logger.notice(
        "\(end.reason); starting again, restart \(reasons.count) of \(job.maxRestarts)")
      sleep(RestartPolicy.delaySeconds(restart: reasons.count))
      if isStopping { return stop() }
    }
  }

  private var isStopping: Bool { signalCount.value.load(ordering: .relaxed) > 0 }
  /// True if the run could go on: not where the folder cannot even be listed.
  private var hasCheckpoint: Bool { (try? checkpoints.steps().isEmpty) == false }
  private var failureCode: ExitCode { hasCheckpoint ? .resumable : .fault }

  /// A job's command, and the file of its hosts where it has one of its own.
  private func nextStart(_ lost: Set<String>) throws -> MPIRunCommand? {
    var command = MPIRunCommand()
    let list = hosts?.without(lost)
    guard
      let count = RestartPolicy.processes(wanted: job.processes, slots: list?.slots, ranks: ranks)
    else { return nil }
    if count < job.processes {
      logger.warning(
        "\(lost.sorted().joined(separator: ", ")) cannot be reached: \(counted(count, "process", "processes")) instead of \(job.processes)"
      )
    }
    command.processes = count
    command.ranksPerProcess = (ranks ?? count) / count
    command.cores = physicalCores()
    command.isAllocated = environment["SLURM_JOB_ID"] != nil || environment["PBS_JOBID"] != nil
    if let list, let hostfile = job.hostfile {
      // mpirun starts a daemon on every host that the file names, needed or not.
      let isReadable = lost.isEmpty && hosts?.isPlain == true
      command.hosts = (isReadable ? hostfile : try write(list), list)
    }
    command.options = job.mpirunOptions
    command.program = job.program
    let resumes = !reasons.isEmpty && (job.training.resume == nil || hasNewCheckpoint)
    command.arguments = job.arguments(folder, resumes)
    return command
  }

  /// True if the run has gone on since the first start: only then are its own checkpoints what to
  /// resume from, and not what the user named.
  ///
  /// Where the folder cannot be listed the ranks are to say so: from what the user named they would start anew beside it.
  private var hasNewCheckpoint: Bool {
    guard let checkpointsAtStart, let marks = try? checkpoints.marks() else { return true }
    return marks.contains { checkpointsAtStart[$0] != $1 }
  }

  /// The file of the hosts that are left, where one is needed.
  private let hostfile = NSTemporaryDirectory() + "/dltrain-hosts-\(getpid())"

  private func write(_ list: Hostfile) throws -> String {
    try File.replace(hostfile) { try $0.write(list.text) }
    return hostfile
  }

  private func removeHostfile() { _ = try? File.remove(hostfile) }

  private func unreachable(besides lost: Set<String>) -> Set<String> {
    guard let hosts else { return [] }
    let names = hosts.hosts.map(\.name)
    let named = Set(names.filter { lost.contains($0) })
    return named.union(
      HostProbe(environment: environment).unreachable(names.filter { !named.contains($0) }))
  }

  /// Seconds that mpirun has to end a job that its ranks want ended.
  private static let abortSeconds = 3.0

  /// Starts mpirun and waits for its end, passing on what it writes and the signals that arrive.
  private func runOnce(_ command: MPIRunCommand) throws -> JobEnd {
    let watch = EndWatch(folder: folder, launch: "\(getpid())-\(UInt64.random(in: 0...UInt64.max))")
    var variables = [EndFile.launchVariable: watch.launch]
    if geteuid() == 0 {
      variables["OMPI_ALLOW_RUN_AS_ROOT"] = "1"
      variables["OMPI_ALLOW_RUN_AS_ROOT_CONFIRM"] = "1"
    }
    let child = try ChildProcess(command.words, environment: variables)
    defer { if let errors = child.errors { close(errors) } }
    var output = JobOutput()
    var stage = Stage.running
    var deadline = Double.infinity
    func go(to next: Stage, limitSeconds: Double) {
      stage = next
      deadline = monotonicSeconds() + limitSeconds
    }
    while true {
      let status = child.status()
      forward(child, into: &output, waits: status == nil)
      if let line = restart?.look() {
        logger.notice("\(line)")
        restart = nil
      }
      if let status { return output.end(status: status, found: watch.last()) }
      let arrived = signalCount.value.load(ordering: .relaxed)
      let isLate = monotonicSeconds() > deadline
      switch stage {
      case .running, .asked:
        if watch.look()?.isStandingStill == true {
          // mpirun waits for the daemon of a host that does not answer; without it the others end.
          go(to: .ending, limitSeconds: Supervisor.abortSeconds)
        } else if stage == .asked, arrived > 1 || isLate {
          child.send(SIGTERM)
          go(to: .ending, limitSeconds: 5)
        } else if stage == .running, arrived > 0 {
          child.send(SIGUSR1)
          go(to: .asked, limitSeconds: job.stopLimitSeconds)
        }
      case .ending where isLate:
        child.send(SIGKILL)
        go(to: .killed, limitSeconds: .infinity)
      case .ending, .killed: break
      }
    }
  }

  /// The stages of a running job on its way to its end.
  private enum Stage {
    case running
    /// The ranks were asked to stop after the step.
    case asked
    /// mpirun is to end it, by a signal or by its ranks.
    case ending
    case killed
  }

  /// Passes on what the job has written to standard error; waits a moment for something where
  /// nothing is there.
  private func forward(_ child: ChildProcess, into output: inout JobOutput, waits: Bool) {
    guard let errors = child.errors else { return }
    var descriptor = pollfd(fd: errors, events: Int16(POLLIN), revents: 0)
    let ready = poll(&descriptor, 1, waits ? 20 : 0)
    // After the end of the stream, poll returns at once.
    if waits, ready > 0, Int32(descriptor.revents) & POLLIN == 0 { usleep(20_000) }
    withUnsafeTemporaryAllocation(byteCount: 1 << 16, alignment: 1) { buffer in
      while true {
        let count = read(errors, buffer.baseAddress, buffer.count)
        guard count > 0 else { return }
        let bytes = UnsafeRawBufferPointer(rebasing: buffer[..<count])
        output.read(bytes)
        Terminal.error(bytes)
      }
    }
  }

  private func sleep(_ seconds: Double) {
    let end = monotonicSeconds() + seconds
    while monotonicSeconds() < end, !isStopping { usleep(10_000) }
  }
}

/// Signals that asked for an end so far.
private final class SignalCount: Sendable {
  let value = Atomic<Int>(0)
  /// The number of the last one.
  let last = Atomic<Int32>(SIGTERM)
}
