import ArgumentParser
import DLCluster
import DLCore
import DLJobs
import DLRecipes
import DLReports
import DLTraining

/// `dltrain bench`.
struct Bench: ParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Measure.", discussion: "Example: dltrain bench step --config lenet5-28x28 --ranks 1",
    subcommands: [BenchStep.self, BenchOps.self, BenchAllreduce.self, BenchScaling.self])
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
  @Flag(help: "Show below it where rank 0's time went, by op and layer.")
  var profile = false
  @OptionGroup var reduction: ReductionOptions

  func run(in world: World) throws -> DLCore.ExitCode {
    var benchmark = StepBenchmark()
    benchmark.ranks = ranks
    benchmark.rowsPerRank = batchPerRank
    benchmark.steps = steps
    benchmark.reduction = reduction.reduce
    benchmark.profiles = profile
    let line = try benchmark.run(in: world, workload: config) {
      try Job(config, of: world.program)
        .configuration(job.overrides, needsData: false).withSyntheticData()
    }
    if let warning = SystemReport.blasWarning { world.warn(warning) }
    world.print(line)
    return .success
  }
}

/// `dltrain bench allreduce`.
struct BenchAllreduce: Verb {
  static let configuration = CommandConfiguration(
    commandName: "allreduce",
    abstract: "Measure the sums over ranks, beside MPI_Allreduce and the memory's bandwidth.",
    discussion: "Example: mpirun -n 2 dltrain bench allreduce --sizes 64K,1M,44M")

  @Option(help: "Ranks; one per process or core unless given.")
  var ranks: Int?
  @Option(help: "Sizes of the buffers, separated by commas; K, M and G are powers of 1024.")
  var sizes: String?
  @Option(help: "About how long one measurement takes, in seconds.")
  var seconds = 0.5
  @Option(
    help: "Codecs to compress gradients with, separated by commas: bf16,fp16,top_k,power_sgd.")
  var codecs: String?

  func run(in world: World) throws -> DLCore.ExitCode {
    var benchmark = AllreduceBenchmark()
    benchmark.ranks = ranks
    benchmark.budget = seconds
    if let codecs {
      benchmark.codecs = try world.agreed("read the command line") {
        try codecs.split(separator: ",", omittingEmptySubsequences: false).map {
          let name = CompressionConfiguration.Name(rawValue: String($0))
          guard let codec = name.map(CompressionConfiguration.init), codec.codec != nil else {
            throw UsageError("--codecs \($0): give some of bf16,fp16,top_k,power_sgd")
          }
          return codec
        }
      }
    }
    if let sizes {
      benchmark.sizes = try world.agreed("read the command line") {
        try sizes.split(separator: ",", omittingEmptySubsequences: false).map {
          guard let bytes = AllreduceBenchmark.byteCount(String($0)) else {
            throw UsageError("--sizes \($0): give sizes like 64K,1M,44M")
          }
          return bytes
        }
      }
    }
    world.print(try benchmark.run(in: world))
    return .success
  }
}
