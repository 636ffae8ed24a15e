import DLCluster
import DLCore
import DLFormats
import DLTraining

/// A training run as a command line asks for it.
package struct TrainingJob: Sendable {
  /// The run folder, or nil for a new one.
  package var out: String?
  /// `auto`, a checkpoint or a run folder to go on from; nil to start anew.
  package var resume: String?
  /// Weights to start from.
  package var initialWeights: String?
  /// True if weights that the file lacks, or has in another shape, start anew.
  package var takesPartOfWeights = false
  /// The number of ranks; nil for what the processes or cores give.
  package var ranks: Int?
  /// A file for what each rank's threads did when, in Chrome's trace event format.
  package var trace: String?
  /// True to show the time of each op at the end.
  package var profiles = false
  /// The step after which to stop with a checkpoint.
  package var stopAtStep: Int?
  /// The way of gradients between the processes of a host.
  package var reduction = ReductionPath.shared

  /// Makes a plain new run.
  package init() {}

  /// Trains on all ranks of the world and shows the progress.
  ///
  /// - Parameters:
  ///   - configuration: reads the configuration; called on every process.
  /// - Returns: 75 where a signal stopped the run, else 0.
  /// - Throws: `RankFailure` on every process, where an option is out of range or `configuration`
  ///   throws; what the ranks throw, as ``World/run(ranks:virtualRanks:reduction:watched:_:)``
  ///   says.
  package func run(
    in world: World, configuration: () throws -> Configuration
  ) throws -> ExitCode {
    let options = try world.agreed("read the command line") { try makeOptions(world.signals) }
    world.signals.noteTraining(out: out)
    let configuration = try world.agreed("read the configuration", configuration)
    let logger = world.logger
    let layout = world.layout
    let program = world.program
    let isLive = Terminal.isTerminal && !world.isLaunched
    let report = try world.run(
      ranks: ranks, virtualRanks: configuration.virtualRanks, reduction: reduction,
      watched: configuration.watchdog
    ) { communicator, progress in
      var options = options
      options.progress = progress
      let reporter = ConsoleReporter(
        layout: layout.text(ranks: communicator.size), isLive: isLive, program: program.name)
      return try Trainer(
        configuration, options: options, communicator: communicator, observers: [reporter],
        warn: { logger.warning("\($0)") }, task: program.task
      ).train()
    }
    return report.isInterrupted && !report.hasReachedStop ? .resumable : .success
  }

  /// The run folder that the run would have if it started now.
  ///
  /// - Parameter name: the name of the job.
  /// - Throws: `FormatError` where the system does not tell what is there.
  func folder(name: String) throws -> String {
    if let out { return withoutTrailingSlash(out) }
    switch resume {
    case nil: return try RunFolder.unused(name: name)
    case "auto": return try RunFolder.newest(name: name) ?? RunFolder.unused(name: name)
    case let path?:
      let path = withoutTrailingSlash(path)
      if try File.kind(of: path) == .folder { return path }
      return try RunFolder.owner(of: path) ?? RunFolder.unused(name: name)
    }
  }

  private func makeOptions(_ signals: StopSignals) throws -> TrainingOptions {
    for (name, value) in [(OptionName.ranks, ranks), (.stopAt, stopAtStep)] {
      if let value, value < 1 { throw UsageError("\(name) \(value): give at least 1") }
    }
    for (name, value) in [
      (OptionName.out, out), (.resume, resume), (.initialWeights, initialWeights), (.trace, trace),
    ]
    where value?.isEmpty ?? false {
      throw UsageError("\(name): the path is empty, name a file or folder or leave it out")
    }
    var options = TrainingOptions()
    options.out = out.map(withoutTrailingSlash)
    options.initialWeights = initialWeights
    options.takesPartOfWeights = takesPartOfWeights
    options.stopAtStep = stopAtStep
    options.trace = trace
    options.profiles = profiles
    options.shouldStop = { signals.isStopRequested }
    options.didOpen = { signals.note(record: $0) }
    options.willStep = { signals.noteSteps() }
    options.didSave = { signals.note(run: $0, checkpoint: $1) }
    switch resume {
    case nil: options.resume = .never
    case "auto": options.resume = .automatic
    case let path?: options.resume = .path(withoutTrailingSlash(path))
    }
    return options
  }
}
