import DLCore
import DLFormats
import DLLayers
import DLModels
import DLTensor
import DLTraining

/// The part of a trained network that is written as ONNX: rows to outputs, noise to images, a graph or a pair of
/// texts to logits.
struct ExportedNetwork {
  /// The inputs that it takes.
  let inputs: [ONNXInput]
  /// A note that is worth knowing of it; nil for none.
  let note: String?
  /// Adds its nodes, and gives what comes out with the names of their values.
  let add: (ONNXGraph) throws -> [(output: ONNXInput, value: String)]
}

extension ONNXGraph {
  /// Output rows, their channels last.
  fileprivate func rows(_ y: ONNXValue) -> [(output: ONNXInput, value: String)] {
    let y = channelsLast(y)
    let output = ONNXInput(name: "output", type: .float32, row: y.row.dimensions)
    return [(output, y.name)]
  }
}

extension LoadedNetwork {
  /// The part of the network that is written as ONNX.
  ///
  /// - Throws: `UsageError` for a network that is no layer from rows to outputs, and has no part that
  ///   is one.
  func exported() throws -> ExportedNetwork {
    switch task.model {
    case let pair as any GenerativeAdversarial: return exported(pair)
    case let network as any ONNXGraphNetwork: return exported(network)
    case let network as any ONNXTranslation: return exported(network)
    case let network as VAE:
      return exportedRows(
        exportedInputType(of: nil), note: "its output is what the decoder makes of the code's mean"
      ) { x, graph in try network.onnx(x, in: graph) }
    default: break
    }
    let network = try network(for: "ONNX")
    let note: String? =
      switch (network as? Sequential)?.layers.last {
      case is CRF:
        "the scores of single tags: no operator finds the best path, for which the crf's weights are "
          + "in \(OptionName.format) safetensors"
      case is DetectionHead:
        "the scores and offsets of all anchors, of which predict makes objects"
      default: nil
      }
    return exportedRows(exportedInputType(of: network), note: note) { x, graph in
      try graph.add(network, to: x)
    }
  }

  /// Rows of data files, as they are, to outputs.
  private func exportedRows(
    _ type: ONNXType, note: String?, add: @escaping (ONNXValue, ONNXGraph) throws -> ONNXValue
  ) -> ExportedNetwork {
    let rows = ONNXInput(name: "input", type: type, row: input.dimensions)
    let lengths = ONNXInput(name: "lengths", type: .int32, row: [])
    return ExportedNetwork(inputs: hasLengths ? [rows, lengths] : [rows], note: note) { graph in
      var x = ONNXValue(try self.transformed("input", type, graph), row: self.input)
      if self.hasLengths { x.lengths = graph.cast("lengths", to: .int64) }
      return graph.rows(try add(x, graph))
    }
  }

  /// Noise to images.
  private func exported(_ pair: any GenerativeAdversarial) -> ExportedNetwork {
    let size = pair.latentSize + (pair.conditionClasses ?? 0)
    let told = pair.conditionClasses.map { ", \($0) of which are one-hot for the class" } ?? ""
    return ExportedNetwork(
      inputs: [ONNXInput(name: "input", type: .float32, row: [size])],
      note: "the generator: its input is normal noise\(told)"
    ) { graph in
      let noise = ONNXValue(graph.reshape("input", [1, 1, size]), row: [1, 1, size])
      return graph.rows(try graph.add(pair.generator, to: noise))
    }
  }

  /// The features and edges of a graph to the logits of its nodes.
  private func exported(_ network: any ONNXGraphNetwork) -> ExportedNetwork {
    let inputs = [
      ONNXInput(
        name: "features", type: .float32,
        axes: [.any("nodes")] + input.dimensions.map(ONNXInput.Axis.size)),
      ONNXInput(name: "edges", type: .int32, axes: [.any("edges"), .size(2)]),
    ]
    return ExportedNetwork(
      inputs: inputs, note: "a whole graph: features of 0 and 1, and edges in either direction"
    ) { graph in
      let logits = try network.onnx(ONNXGraphData(graph), in: graph)
      let axes = [ONNXInput.Axis.any("nodes"), .size(self.classes ?? 0)]
      return [(ONNXInput(name: "output", type: .float32, axes: axes), logits)]
    }
  }

  /// Sources and the beginnings of targets to the logits of the tokens behind each.
  private func exported(_ network: any ONNXTranslation) -> ExportedNetwork {
    func texts(_ name: String) -> ONNXInput {
      ONNXInput(name: name, type: .int32, axes: [.any("batch"), .any("\(name)_length")])
    }
    let limit = max(1024, input.dimensions.first ?? 0)
    return ExportedNetwork(
      inputs: [texts("source"), texts("target")],
      note: "the logits behind each token of target, for texts of up to \(limit) tokens"
    ) { graph in
      let padding = Int(self.tokenizer?.marks?.padding ?? 0)
      let texts = ONNXTexts(padding: padding, limit: limit)
      return try network.onnx(texts, in: graph).map { name, sizes, value in
        let axes = sizes.map { $0.map(ONNXInput.Axis.size) ?? .any("target_length") }
        return (ONNXInput(name: name, type: .float32, axes: [.any("batch")] + axes), value)
      }
    }
  }

  /// The value that training makes of a row before the network gets it.
  private func transformed(_ name: String, _ type: ONNXType, _ graph: ONNXGraph) throws -> String {
    guard type != .int32 else { return name }
    var x = name
    if type == .uint8 {
      x = graph.node("Div", [graph.cast(x, to: .float32), try graph.constant([255])])
    }
    guard let normalize = configuration.data.normalize else { return x }
    x = graph.node("Sub", [x, try graph.constant(normalize.mean)])
    return graph.node("Div", [x, try graph.constant(normalize.std)])
  }
}
