import ArgumentParser
import DLCluster
import DLCore
import DLInference
import DLJobs
import DLRecipes
import DLReports

/// `dltrain bench scaling`.
struct BenchScaling: Verb {
  static let configuration = CommandConfiguration(
    commandName: "scaling",
    abstract: "Measure steps at several numbers of ranks, and fit a model of their cost.",
    discussion: """
      Example: dltrain bench scaling --ranks 1,2,4 --workload resnet20-cifar10 --set batch_size=64 --svg scaling.svg

      It starts the ranks itself: as threads of this process, or with --mpirun as processes.
      """)

  @Option(help: "Numbers of ranks, separated by commas.")
  var ranks = "1,2"
  @Option(help: "A configuration file or a recipe.")
  var workload: String
  @OptionGroup var job: JobOptions
  @Flag(help: "batch_size is that of a rank; the default.")
  var weak = false
  @Flag(help: "batch_size is shared out over the ranks.")
  var strong = false
  @Flag(help: "Start the ranks by mpirun.")
  var mpirun = false
  @Option(help: "Steps to measure at each number of ranks.")
  var steps = 50
  @Option(help: "Numbers of ranks to predict a step for, separated by commas.")
  var predict: String?
  @Option(
    name: .customLong("other"), parsing: .singleValue,
    help: "Another configuration or recipe, to be measured and predicted.")
  var others: [String] = []
  @Option(help: "Write throughput and efficiency as a picture.")
  var svg: String?

  func run(in world: World) throws -> DLCore.ExitCode {
    let benchmark = try world.agreed("read the command line") {
      guard !(weak && strong) else { throw UsageError("give --weak or --strong, not both") }
      var benchmark = ScalingBenchmark()
      benchmark.ranks = try numbers("--ranks", ranks)
      benchmark.predictedRanks = try predict.map { try numbers("--predict", $0) } ?? []
      benchmark.growth = strong ? .strong : .weak
      benchmark.host = mpirun ? .processes : .threads
      let overrides = job.overrides
      benchmark.arguments = { workload, steps, rows in
        ["bench", "step", "--config", workload, "--steps", "\(steps)"]
          + overrides.flatMap { ["--set", $0] }
          + (rows.map { ["--batch-per-rank", "\($0)"] } ?? [])
      }
      benchmark.steps = steps
      return benchmark
    }
    let report = try benchmark.run(in: world, workload: workload, others: others) {
      try Job($0, of: world.program).configuration(job.overrides, needsData: false)
        .withSyntheticData()
    }
    if let warning = SystemReport.blasWarning { world.warn(warning) }
    world.print(report.text(columns: World.columns))
    if let svg { try world.first("write \(svg)") { try report.writeSVG(to: svg) } }
    return .success
  }

  private func numbers(_ option: String, _ text: String) throws -> [Int] {
    try text.split(separator: ",", omittingEmptySubsequences: false).map {
      guard let number = Int($0), number > 0 else {
        throw UsageError("\(option) \(text): give numbers like 1,2,4")
      }
      return number
    }
  }
}
