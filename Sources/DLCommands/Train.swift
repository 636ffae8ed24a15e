import ArgumentParser
import DLCluster
import DLCore
import DLJobs
import DLRecipes
import DLTraining

/// A configuration and what replaces parts of it.
struct JobOptions: ParsableArguments {
  @Option(
    name: .customLong("set"), parsing: .singleValue,
    help: ArgumentHelp("Replace a value of the configuration.", valueName: "key=value"))
  var overrides: [String] = []
}

/// The options of how the ranks of a host exchange gradients and parameters.
struct ReductionOptions: ParsableArguments {
  @Option(
    help: ArgumentHelp(
      "How gradients go between processes of a host: through its memory, or by MPI.",
      valueName: "shared|mpi"))
  var reduce = ReductionPath.shared
}

extension ReductionPath: ExpressibleByArgument {}

/// `dltrain train`.
struct Train: Verb {
  static let configuration = CommandConfiguration(
    abstract: "Train a network.",
    discussion: """
      Example: mpirun -n 4 dltrain train job.yaml --set optimizer.lr=0.05 --out runs/job

      SIGUSR1, and Ctrl-C without mpirun, make it finish the step, write a checkpoint and exit with code 75; --resume \
      auto goes on.
      """)

  @Argument(
    help:
      "A configuration file, or a recipe from `dltrain recipes`; the program's own unless given.")
  var config: String?
  @OptionGroup var job: JobOptions
  @Option(help: "The run folder; the first free runs/NAME-NNN unless given.")
  var out: String?
  @Option(help: "Go on from a checkpoint or run folder; auto: from the newest of the run folder.")
  var resume: String?
  @Option(
    name: .customLong("init"),
    help: "Start from the weights of a safetensors file, a PyTorch file, an index or a run folder.")
  var initialWeights: String?
  @Option(
    help: "Like --init, but what the file lacks or has in another shape, as a head, starts anew.")
  var initPartial: String?
  @Option(help: "Ranks; one per process or core unless given.")
  var ranks: Int?
  @Option(help: "Write what each rank did when to a file that Perfetto opens.")
  var trace: String?
  @Flag(help: "Show at the end where rank 0's time went, by op and layer.")
  var profile = false
  @Option(parsing: .unconditional, help: "Stop after this step with a checkpoint.")
  var stopAt: Int?
  @OptionGroup var reduction: ReductionOptions

  mutating func validate() throws {
    guard initialWeights == nil || initPartial == nil else {
      throw ValidationError("--init-partial: give either --init or --init-partial")
    }
  }

  func run(in world: World) throws -> DLCore.ExitCode {
    world.needsOutput = false
    return try training.run(in: world) {
      try OutputFile.require(trace, otherThan: [config, resume, initialWeights, initPartial])
      return try configuration(of: world.program)
    }
  }

  /// The run that the options ask for.
  var training: TrainingJob {
    var training = TrainingJob()
    training.out = out
    training.resume = resume
    training.initialWeights = initialWeights ?? initPartial
    training.takesPartOfWeights = initialWeights == nil && initPartial != nil
    training.ranks = ranks
    training.stopAtStep = stopAt
    training.reduction = reduction.reduce
    training.trace = trace
    training.profiles = profile
    return training
  }

  /// Reads the configuration.
  func configuration(of program: Program) throws -> Configuration {
    try Job(config, of: program).configuration(job.overrides)
  }
}
