import ArgumentParser
import DLCluster
import DLCore
import DLJobs
import DLTraining

/// `dltrain export`.
struct Export: Verb {
  static let configuration = CommandConfiguration(
    abstract: "Write the weights of a run under PyTorch's names and layouts.",
    discussion: """
      Example: dltrain export runs/digits-001 -o weights.safetensors

      In Python: safetensors.torch.load_model(model, "weights.safetensors"), which knows tied weights; without any
      model.load_state_dict(safetensors.torch.load_file("weights.safetensors")) does too.
      """)

  @OptionGroup var trained: RunOptions
  @Option(name: .shortAndLong, help: "The safetensors file to write.")
  var output: String

  func run(in world: World) throws -> DLCore.ExitCode {
    try world.first("export \(trained.run)") {
      let run = try trained.open(world)
      let count = try run.export(to: output)
      world.print("\(Format.count(count, "tensor")) of step \(run.step) in \(output)")
    }
    return .success
  }
}
