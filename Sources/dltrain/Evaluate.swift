import ArgumentParser
import DLCluster
import DLTraining

/// A run folder and one of its checkpoints.
struct RunOptions: ParsableArguments {
  @Argument(help: "A run folder.")
  var run: String
  @Option(help: "best, latest, or a checkpoint file.")
  var checkpoint = "best"

  func open(_ world: World) throws -> TrainedRun {
    try TrainedRun(run, choice: .init(checkpoint)) { world.warn($0) }
  }
}

/// `dltrain evaluate`.
struct Evaluate: Verb {
  static let configuration = CommandConfiguration(
    abstract: "Measure a trained network on a data set, every row once.",
    discussion: "Example: mpirun -n 4 dltrain evaluate runs/digits-001 --data other.safetensors")

  @OptionGroup var trained: RunOptions
  @Option(help: "A data set file; the run's validation set unless given.")
  var data: String?
  @Option(help: "Ranks; one per process or core unless given.")
  var ranks: Int?

  func run(in world: World) throws -> DLCluster.ExitCode {
    let run = try world.agreed("open \(trained.run)") { try trained.open(world) }
    let data = data
    let report = try world.run(ranks: ranks) { try run.evaluate(data: data, communicator: $0) }
    world.print("checkpoint \(run.checkpoint)\n\(report.text)")
    return .success
  }
}
