import DLCluster
import DLCore
import DLData
import DLFormats
import DLLayers
import DLModels
import DLTensor
import DLTraining

/// A file of PyTorch code that was written.
package struct TorchSummary: Sendable {
  /// The file of the weights.
  package let weights: String
  /// The number of its tensors.
  package let tensorCount: Int
  /// The description of inputs and outputs.
  package let form: String
}

extension LoadedRun {
  /// Writes Python that rebuilds the network in PyTorch, and its weights beside it.
  ///
  /// The module takes rows as data files have them and gives what the network gives, as the ONNX file
  /// of ``exportONNX(to:)`` does; other networks take what that file takes, in the same order.
  ///
  /// - Parameter path: the file `NAME.py`; the weights are `NAME.safetensors`.
  /// - Throws: `UsageError` for a network that is no layer from rows to outputs, and has no part that
  ///   is one, `LayerExportError` for a layer that PyTorch has no words for, `FormatError` where a
  ///   file cannot be written.
  @discardableResult
  package func exportTorch(to path: String) throws -> TorchSummary {
    let trained = try LoadedNetwork(self, precision: .float32, communicator: SingleRank())
    let (program, expression, form) = try trained.torch()
    let weights = ExportFormat.weights(beside: path)
    let name = trained.configuration.name ?? trained.configuration.model.name ?? "A network"
    let text = program.text(
      expression, title: "\(pythonText(name)), step \(step), as dltrain trained it.",
      module: pythonText(String(File.name(of: path).dropLast(ExportFormat.torch.ending.count))),
      form: form)
    let count = try export(to: weights)
    try File.replace(path) { try $0.write(text) }
    return TorchSummary(
      weights: weights, tensorCount: count, form: form.description)
  }
}

extension LoadedNetwork {
  private typealias Code = (program: TorchProgram, network: TorchExpression, form: TorchForm)

  /// The network in PyTorch, and what it takes and gives.
  fileprivate func torch() throws -> (TorchProgram, TorchExpression, TorchForm) {
    switch task.model {
    case let pair as any GenerativeAdversarial: return try torch(pair)
    case let network as any TorchGraphNetwork: return torch(network)
    case let network as any TorchTranslation: return try torch(network)
    case let network as VAE:
      let program = TorchProgram()
      let type = exportedInputType(of: nil)
      return (
        program, try network.torch(in: program),
        .rows("\(type)", from: network.row, to: network.row, preparation: preparation(type))
      )
    default: return try torch(network(for: "PyTorch code"))
    }
  }

  /// Rows of data files, as they are, to outputs.
  private func torch(_ network: any Layer) throws -> Code {
    guard !hasLengths || input.rank < 3 else {
      throw UsageError(
        "export: images whose rows have lengths have no form in PyTorch; use \(OptionName.format) "
          + "onnx")
    }
    var program = TorchProgram(rowsEnd: hasLengths)
    if hasLengths { program.defineEnds() }
    var expression = try program.expression(network, for: input)
    if program.knowsPadding, !hasLengths {
      program = TorchProgram(rowsEnd: true)
      expression = try program.expression(network, for: input)
    }
    let type = exportedInputType(of: network)
    return (
      program, expression,
      .rows(
        "\(type)", from: input, to: try network.outputShape(for: input),
        preparation: preparation(type), hasLengths: hasLengths, rowsEnd: program.tellsEnds)
    )
  }

  /// Noise to images, by the generator of a pair.
  private func torch(_ pair: any GenerativeAdversarial) throws -> Code {
    let program = TorchProgram()
    let expression = try pair.torch(for: input, in: program)
    let size = pair.latentSize + (pair.conditionClasses ?? 0)
    return (program, expression, .rows("float32", from: [size], to: input))
  }

  /// A whole graph to the logits of its nodes.
  private func torch(_ network: any TorchGraphNetwork) -> Code {
    let program = TorchProgram()
    let expression = network.torch(in: program)
    return (
      program, expression,
      TorchForm(
        "features float32 [nodes, \(input[0])] and edges int32 [edges, 2] to "
          + "[nodes, \(classes ?? 0)]", arguments: ["features", "edges"])
    )
  }

  /// Sources and the beginnings of targets to the logits of the tokens behind each.
  private func torch(_ network: any TorchTranslation) throws -> Code {
    let program = TorchProgram()
    let padding = Int(tokenizer?.marks?.padding ?? 0)
    let expression = try network.torch(padding: padding, in: program)
    return (
      program, expression,
      TorchForm(
        "source and target int32 [batch, time] to \(network.torchOutputs)",
        arguments: ["source", "target"])
    )
  }

  /// The code for what training makes of a row before the network gets it, in Python.
  private func preparation(_ type: ONNXType) -> [String] {
    var lines: [String] = []
    if type == .uint8 { lines.append("x = x.float() / 255") }
    if type != .int32, let normalize = configuration.data.normalize {
      lines.append("x = (x - torch.tensor(\(normalize.mean))) / torch.tensor(\(normalize.std))")
    }
    return lines
  }
}

/// The text without what would end a Python string.
private func pythonText(_ text: String) -> String {
  text.filter { $0 != "\"" && $0 != "\\" && !$0.isNewline }
}
