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
  /// The inputs, as in `input uint8 [batch, 28, 28, 1]`.
  package let inputs: [String]
  /// The outputs.
  package let outputs: [String]
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
  /// autoencoder the way through the mean of the code; of a crf the scores of single tags. A network
  /// over a graph takes `features`, float32 `[nodes, features]`, and `edges`, int32 `[edges, 2]`; one
  /// that translates `source` and `target`, int32 `[batch, time]`.
  ///
  /// - Throws: `UsageError` for a network that is no layer from rows to outputs, `LayerExportError`
  ///   for a layer without an ONNX form, `FormatError` where the file cannot be written.
  @discardableResult
  package func exportONNX(to path: String) throws -> ONNXSummary {
    let trained = try LoadedNetwork(self, precision: .float32, communicator: SingleRank())
    let network = try trained.exported()
    return try trained.context.withoutRecording {
      let graph = ONNXGraph(trained.context)
      for name in network.inputs.map(\.name) + ["output", "length"] { graph.reserve(name) }
      let results = try network.add(graph)
      for (output, value) in results { graph.output(value, as: output.name) }
      let model = graph.finish(
        inputs: network.inputs, outputs: results.map(\.output),
        name: trained.configuration.name ?? trained.configuration.model.name ?? "network",
        version: Version.current, notes: trained.notes(step: step))
      try model.write(to: path)
      return ONNXSummary(
        nodeCount: model.nodes.count, inputs: network.inputs.map(\.text),
        outputs: results.map(\.output.text), note: network.note)
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
    let sizes = axes.map { axis in
      switch axis {
      case .size(let size): String(size)
      case .any(let name): name
      }
    }
    return "\(name) \(type) [\(sizes.joined(separator: ", "))]"
  }
}
