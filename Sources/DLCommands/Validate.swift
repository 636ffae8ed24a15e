import ArgumentParser
import DLCluster
import DLCore
import DLJobs
import DLRecipes
import DLReports

/// `dltrain validate`.
struct Validate: Verb {
  static let configuration = CommandConfiguration(
    abstract: "Check a configuration, its data and its model without training.",
    discussion: "Example: dltrain validate job.yaml --set batch_size=128")

  @Argument(help: "A configuration file or a recipe; the program's own unless given.")
  var config: String?
  @OptionGroup var job: JobOptions

  func run(in world: World) throws -> DLCore.ExitCode {
    try world.first("validate \(config ?? "the configuration")") {
      let report = try ModelReport(
        Job(config, of: world.program).configuration(job.overrides), task: world.program.task,
        ranks: world.processCount)
      try report.checkOptimizers()
      world.print(report.summary(columns: World.columns))
    }
    return .success
  }
}
