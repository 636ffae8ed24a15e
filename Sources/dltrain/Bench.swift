import ArgumentParser
import DLCluster
import DLRecipes
import DLTraining

/// `dltrain bench`.
struct Bench: ParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Measure.", discussion: "Example: dltrain bench step --config lenet5-28x28 --ranks 1",
    subcommands: [BenchStep.self])
}

/// `dltrain bench step`.
struct BenchStep: Verb {
  static let configuration = CommandConfiguration(
    commandName: "step",
    abstract: "Measure optimizer steps on made-up rows; prints one line of JSON.",
    discussion: "Example: mpirun -n 2 dltrain bench step --config digits --batch-per-rank 64")

  @Option(help: "A configuration file or a recipe.")
  var config: String
  @OptionGroup var job: JobOptions
  @Option(help: "Ranks; one per process or core unless given.")
  var ranks: Int?
  @Option(help: "Rows per rank; the configuration's batch over all ranks unless given.")
  var batchPerRank: Int?
  @Option(help: "Steps to measure.")
  var steps = 50
  @OptionGroup var reduction: ReductionOptions

  func run(in world: World) throws -> DLCluster.ExitCode {
    var benchmark = StepBenchmark()
    benchmark.ranks = ranks
    benchmark.rowsPerRank = batchPerRank
    benchmark.steps = steps
    benchmark.reduction = reduction.reduce
    let line = try benchmark.run(in: world, workload: config) {
      try Job(config).configuration(job.overrides, needsData: false).withSyntheticData()
    }
    if let warning = SystemReport.blasWarning { world.warn(warning) }
    world.print(line)
    return .success
  }
}
