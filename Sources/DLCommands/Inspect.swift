import ArgumentParser
import DLCluster
import DLCore
import DLJobs
import DLRecipes
import DLReports
import DLTraining

/// `dltrain inspect`.
struct Inspect: Verb {
  static let configuration = CommandConfiguration(
    abstract: "Show the tensors of a file of weights, or the layers of a configuration or a run.",
    discussion: """
      Example: dltrain inspect runs/digits-001/checkpoints/step-00000345.safetensors
      Example: dltrain inspect model.pt
      Example: dltrain inspect job.yaml
      Example: dltrain inspect job.yaml --schedule --svg rate.svg
      """)

  @Argument(
    help:
      "A file of weights (safetensors, PyTorch), a configuration file (.yaml, .yml), a run or a recipe."
  )
  var subject: String
  @OptionGroup var job: JobOptions
  @Flag(help: "Draw the learning rate of each step instead of listing the layers.")
  var schedule = false
  @Option(help: "With --schedule: write the curve to this SVG file too.")
  var svg: String?

  func validate() throws {
    guard svg == nil || schedule else { throw ValidationError("--svg needs --schedule") }
  }

  func run(in world: World) throws -> DLCore.ExitCode {
    try world.first("inspect \(subject)") {
      if let job = try Job(inspecting: subject, of: world.program) {
        var configuration = try job.configuration(self.job.overrides, needsData: false)
        // A run has its weights: what it started from may be gone.
        if File.isFolder(subject) { configuration.initialWeights = nil }
        let report = try ModelReport(
          configuration, task: world.program.task, ranks: world.processCount)
        guard schedule else { return world.print(try report.layers(columns: World.columns)) }
        world.print(
          report.learningRate.text(isPlain: !World.isInteractive, columns: World.columns))
        if let svg { try report.learningRate.writeSVG(to: svg) }
      } else {
        guard !schedule else {
          throw UsageError("\(subject): --schedule draws that of a configuration or a recipe")
        }
        world.print(try TensorReport.text(path: subject, columns: World.columns))
      }
    }
    return .success
  }
}
