import ArgumentParser
import DLCluster
import DLCore
import DLInference
import DLJobs
import DLTraining

/// A run folder and one of its checkpoints.
struct RunOptions: ParsableArguments {
  @Argument(help: "A run folder.")
  var run: String
  @Option(help: "best, latest, or a checkpoint file.")
  var checkpoint = "best"

  func open(_ world: World, views: TestTimeAugmentation? = nil) throws -> LoadedRun {
    try LoadedRun(
      run, choice: .init(checkpoint), views: views, report: { world.warn($0) },
      task: world.program.task)
  }
}

extension TestTimeAugmentation: ExpressibleByArgument {}

/// The views of an image that an output is the mean of.
struct ViewOptions: ParsableArguments {
  @Option(
    help: """
      Views of an image whose outputs are averaged: one; mirrored, with its mirror image; six, \
      with both moved by a pixel two ways. Those of the run's validations unless given.
      """)
  var views: TestTimeAugmentation?
}

/// `dltrain evaluate`.
struct Evaluate: Verb {
  static let configuration = CommandConfiguration(
    abstract: "Measure a trained network on a data set, every row once.",
    discussion: "Example: mpirun -n 4 dltrain evaluate runs/digits-001 --data other.safetensors")

  @OptionGroup var trained: RunOptions
  @OptionGroup var averaged: ViewOptions
  @Option(help: "A data set file; the run's validation set unless given.")
  var data: String?
  @Option(help: "Ranks; one per process or core unless given.")
  var ranks: Int?

  func run(in world: World) throws -> DLCore.ExitCode {
    let run = try world.agreed("open \(trained.run)") {
      try trained.open(world, views: averaged.views)
    }
    let data = data
    let report = try world.run(ranks: ranks) { try run.evaluate(data: data, communicator: $0) }
    world.print(report.text(columns: World.columns))
    return .success
  }
}
