import DLCluster
import DLCore
import DLData
import DLFormats
import DLLayers
import DLTensor
import DLTraining

extension LoadedRun {
  /// Writes Python that rebuilds the network in PyTorch, and its weights beside it.
  ///
  /// The module takes rows as data files have them and gives what the network gives, as the ONNX file
  /// of ``exportONNX(to:)`` does.
  ///
  /// - Parameter path: the file `NAME.py`; the weights are `NAME.safetensors`.
  /// - Returns: the number of tensors, and the path of their file.
  /// - Throws: `UsageError` for a network that is no layer from rows to outputs, `LayerExportError`
  ///   for a layer that PyTorch has no words for, `FormatError` where a file cannot be written.
  @discardableResult
  package func exportTorch(to path: String) throws -> (count: Int, weights: String) {
    let trained = try LoadedNetwork(self, precision: .float32, communicator: SingleRank())
    let network = try trained.network(for: "PyTorch code")
    guard !trained.hasLengths else {
      throw UsageError(
        "export: rows end at the lengths of the data, which modules of a chain are not told; use "
          + "\(OptionName.format) onnx")
    }
    let program = TorchProgram()
    let expression = try program.expression(network, for: trained.input)
    let type = trained.exportedInputType(of: network)
    let weights = path.dropLast(ExportFormat.torch.ending.count) + ".safetensors"
    let rows = (["batch"] + trained.input.dimensions.map(String.init)).joined(separator: ", ")
    let name = trained.configuration.name ?? trained.configuration.model.name ?? "A network"
    let text = program.text(
      expression, title: "\(pythonText(name)), step \(step), as dltrain trained it.",
      module: pythonText(String(File.name(of: path).dropLast(ExportFormat.torch.ending.count))),
      input: trained.input, output: try network.outputShape(for: trained.input),
      rows: "\(type) [\(rows)]", preparation: trained.preparation(type))
    let count = try export(to: String(weights))
    try File.replace(path) { try $0.write(text) }
    return (count, String(weights))
  }
}

extension LoadedNetwork {
  /// The code for what training makes of a row before the network gets it, in Python.
  fileprivate func preparation(_ type: ONNXType) -> [String] {
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
