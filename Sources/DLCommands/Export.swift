import ArgumentParser
import DLCluster
import DLCore
import DLInference
import DLJobs
import DLTraining

/// `dltrain export`.
struct Export: Verb {
  static let configuration = CommandConfiguration(
    abstract: "Write a trained network for other programs: its weights, ONNX, or PyTorch code.",
    discussion: """
      Examples: dltrain export runs/digits-001 -o weights.safetensors
                dltrain export runs/digits-001 -o digits.onnx
                dltrain export runs/digits-001 -o digits.py

      In Python: safetensors.torch.load_model(model, "weights.safetensors"), which knows tied weights; without any \
      model.load_state_dict(safetensors.torch.load_file("weights.safetensors")) does too.
      """)

  @OptionGroup var trained: RunOptions
  @Option(name: .shortAndLong, help: "The file to write.")
  var output: String
  @Option(
    help: """
      safetensors: the weights under PyTorch's names and layouts; onnx: the network with its \
      weights; torch: Python (NAME.py) that rebuilds the network in PyTorch, and the weights \
      beside it. What the output's name ends in unless given.
      """)
  var format: ExportFormat?

  func run(in world: World) throws -> DLCore.ExitCode {
    let format = try ExportFormat(format, output: output)
    try world.first("export \(trained.run)") {
      let run = try trained.open(world)
      try OutputFile.require(output, otherThan: [run.checkpoint], run: run.folder)
      switch format {
      case .safetensors:
        let count = try run.export(to: output)
        world.print("\(Format.count(count, "tensor")) of step \(run.step) in \(output)")
      case .onnx:
        let summary = try run.exportONNX(to: output)
        world.print(
          "\(Format.count(summary.nodeCount, "operator")) of step \(run.step) in \(output): "
            + "\(summary.inputs.joined(separator: ", ")) to "
            + summary.outputs.joined(separator: ", ")
            + (summary.note.map { "; \($0)" } ?? ""))
      case .torch:
        let weights = ExportFormat.weights(beside: output)
        try OutputFile.require(weights, otherThan: [run.checkpoint], run: run.folder)
        guard File.exists(output) || !File.exists(weights) else {
          throw UsageError(
            "\(weights): is there without \(output), beside which the weights would take its place; "
              + "name another file")
        }
        let summary = try run.exportTorch(to: output)
        world.print(
          "PyTorch code in \(output), \(Format.count(summary.tensorCount, "tensor")) of step "
            + "\(run.step) in \(summary.weights): \(summary.form)")
      }
    }
    return .success
  }
}

extension ExportFormat: ExpressibleByArgument {}
