import ArgumentParser
import DLCluster
import DLRecipes
import DLTraining

/// `dltrain inspect`.
struct Inspect: Verb {
  static let configuration = CommandConfiguration(
    abstract: "Show the tensors of a safetensors file, or the layers of a configuration.",
    discussion: """
      Example: dltrain inspect runs/digits-001/checkpoints/step-00000345.safetensors
      Example: dltrain inspect job.yaml
      """)

  @Argument(help: "A safetensors file, a configuration file (.yaml, .yml) or a recipe.")
  var subject: String
  @OptionGroup var job: JobOptions

  func run(in world: World) throws -> DLCluster.ExitCode {
    try world.first("inspect \(subject)") {
      if let job = try Job(inspecting: subject) {
        let configuration = try job.configuration(self.job.overrides, needsData: false)
        world.print(try ModelReport(configuration).layers())
      } else {
        world.print(try TensorReport.text(path: subject))
      }
    }
    return .success
  }
}
