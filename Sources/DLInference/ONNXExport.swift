import DLCluster
import DLCore
import DLData
import DLFormats
import DLLayers
import DLTensor
import DLTraining

/// The inputs and outputs of an ONNX file that was written.
package struct ONNXSummary: Sendable {
  /// The number of its operators.
  package let nodeCount: Int
  /// The inputs and the output, as in `input uint8 [batch, 28, 28, 1]`.
  package let inputs: [String]
  /// The output.
  package let output: String
  /// The part of the network that it is, where it is not the whole; nil for the whole.
  package let note: String?
}

extension LoadedRun {
  /// Writes the network as ONNX, which runs on rows of data set files as they are: bytes are divided
  /// by 255 and inputs normalized within it.
  ///
  /// The input is `input`, `[batch, ...]` with any batch, of the type of the training data; where
  /// those tell how long their rows are, `lengths`, int32 `[batch]`, goes beside it. The output is
  /// `output`, what the network gives: logits where the loss takes logits. Numbers are float32. Of an
  /// adversarial pair the generator is written, from noise `[batch, latent]`; of a variational
  /// autoencoder the way through the mean of the code; of a crf the scores of single tags.
  ///
  /// - Throws: `UsageError` for a network that is no layer from rows to outputs, `LayerExportError`
  ///   for a layer without an ONNX form, `FormatError` where the file cannot be written.
  @discardableResult
  package func exportONNX(to path: String) throws -> ONNXSummary {
    let trained = try LoadedNetwork(self, precision: .float32, communicator: SingleRank())
    let network = try trained.exported()
    return try trained.context.withoutRecording {
      let graph = ONNXGraph(trained.context)
      for name in ["input", "lengths", "output"] { graph.reserve(name) }
      var inputs = [ONNXInput(name: "input", type: network.type, row: network.row.dimensions)]
      var x = ONNXValue("input", row: network.row)
      if !network.isNoise { x = x.with(try trained.transformed(x.name, network.type, graph)) }
      if trained.hasLengths, !network.isNoise {
        inputs.append(ONNXInput(name: "lengths", type: .int32, row: []))
        x.lengths = graph.node("Cast", ["lengths"], ["to": .int(ONNXType.int64.rawValue)])
      }
      let y = graph.channelsLast(try network.add(x, graph))
      graph.output(y, as: "output")
      let output = ONNXInput(name: "output", type: .float32, row: y.row.dimensions)
      let model = graph.finish(
        inputs: inputs, outputs: [output],
        name: trained.configuration.name ?? trained.configuration.model.name ?? "network",
        version: Version.current, notes: trained.notes(step: step))
      try model.write(to: path)
      return ONNXSummary(
        nodeCount: model.nodes.count, inputs: inputs.map(\.text), output: output.text,
        note: network.note)
    }
  }
}

extension LoadedNetwork {
  /// The network, as a layer from rows to outputs.
  func network(for format: String) throws -> any Layer {
    guard let network = task.model as? any Layer else {
      let name = configuration.model.name ?? "the network"
      throw UsageError(
        "export: \(name) cannot be written as \(format): it is no chain of layers from a row of the data "
          + "to outputs; use \(OptionName.format) safetensors")
    }
    return network
  }

  /// The type of the rows: that of the training data, else that of what the network takes.
  func exportedInputType(of network: (any Layer)?) -> ONNXType {
    switch inputType {
    case .uint8: return .uint8
    case .int32: return .int32
    case nil:
      if case .indices? = network?.inputDomain { return .int32 }
      return .float32
    default: return .float32
    }
  }

  /// The value that training makes of a row before the network gets it.
  fileprivate func transformed(_ name: String, _ type: ONNXType, _ graph: ONNXGraph) throws
    -> String
  {
    guard type != .int32 else { return name }
    var x = name
    if type == .uint8 {
      x = graph.node("Cast", [x], ["to": .int(ONNXType.float32.rawValue)])
      x = graph.node("Div", [x, try graph.constant([255])])
    }
    guard let normalize = configuration.data.normalize else { return x }
    x = graph.node("Sub", [x, try graph.constant(normalize.mean)])
    return graph.node("Div", [x, try graph.constant(normalize.std)])
  }

  /// The notes of the file on itself.
  fileprivate func notes(step: Int) -> [(String, String)] {
    let names = classNames.map { names in
      [(ClassNames.key, JSON.array(names.names.map { .string($0) }).description)]
    }
    return [("step", "\(step)")] + (names ?? [])
  }
}

extension ONNXInput {
  /// `input uint8 [batch, 28, 28, 1]`.
  fileprivate var text: String {
    "\(name) \(type) [\((["batch"] + row.map(String.init)).joined(separator: ", "))]"
  }
}
