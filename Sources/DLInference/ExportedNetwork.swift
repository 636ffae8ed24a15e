import DLCore
import DLFormats
import DLLayers
import DLModels
import DLTensor
import DLTraining

/// The part of a trained network that is written as ONNX: rows to outputs, or noise to images.
struct ExportedNetwork {
  /// The shape of a row of the input.
  let row: Shape
  /// The type of its elements.
  let type: ONNXType
  /// True if the input is noise, and not a row of the data.
  let isNoise: Bool
  /// A note that is worth knowing of it; nil for none.
  let note: String?
  /// Adds its nodes.
  let add: (ONNXValue, ONNXGraph) throws -> ONNXValue
}

extension LoadedNetwork {
  /// The part of the network that is written as ONNX.
  ///
  /// - Throws: `UsageError` for a network that is no layer from rows to outputs, and has no part that
  ///   is one.
  func exported() throws -> ExportedNetwork {
    if let pair = task.model as? any GenerativeAdversarial {
      let size = pair.latentSize + (pair.conditionClasses ?? 0)
      let told = pair.conditionClasses.map { ", \($0) of which are one-hot for the class" } ?? ""
      return ExportedNetwork(
        row: [size], type: .float32, isNoise: true,
        note: "the generator: its input is normal noise\(told)"
      ) { x, graph in
        let noise = ONNXValue(graph.reshape(x.name, [1, 1, size]), row: [1, 1, size])
        return try graph.add(pair.generator, to: noise)
      }
    }
    if let network = task.model as? VAE {
      return ExportedNetwork(
        row: input, type: exportedInputType(of: nil), isNoise: false,
        note: "its output is what the decoder makes of the code's mean"
      ) { x, graph in try network.onnx(x, in: graph) }
    }
    let network = try network(for: "ONNX")
    let isField = (network as? Sequential)?.layers.last is CRF
    return ExportedNetwork(
      row: input, type: exportedInputType(of: network), isNoise: false,
      note: isField
        ? "the scores of single tags: no operator finds the best path, for which the crf's weights are "
          + "in \(OptionName.format) safetensors" : nil
    ) { x, graph in try graph.add(network, to: x) }
  }
}
