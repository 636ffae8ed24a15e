import DLCore

/// The formats that `dltrain export` writes.
package enum ExportFormat: String, CaseIterable, Sendable {
  /// The weights under PyTorch's names and layouts.
  case safetensors
  /// The network with its weights, for ONNX Runtime and others.
  case onnx
  /// Python that rebuilds the network in PyTorch, and its weights beside it.
  case torch

  /// The ending of the names of files of this format.
  package var ending: String { self == .torch ? ".py" : "." + rawValue }

  /// The file of the weights beside a file of PyTorch code, `NAME.safetensors` beside `NAME.py`.
  package static func weights(beside code: String) -> String {
    code.dropLast(torch.ending.count) + safetensors.ending
  }

  /// The format of a file: the one that is given, else the one that its name ends in, else
  /// safetensors.
  ///
  /// - Throws: `UsageError` where the name ends in another format than the one given.
  package init(_ given: ExportFormat?, output: String) throws {
    let named = ExportFormat.allCases.first { output.lowercased().hasSuffix($0.ending) }
    if let given, let named, given != named {
      throw UsageError(
        "export: \(OptionName.output) \(output) is a name of \(named.rawValue), \(OptionName.format) is "
          + "\(given.rawValue); give \(OptionName.output) NAME\(given.ending) or leave "
          + "\(OptionName.format) out")
    }
    let ending = File.name(of: output).split(separator: ".").dropFirst().last
    if given == nil, named == nil, let ending {
      let known = ExportFormat.allCases.map(\.ending).joined(separator: ", ")
      throw UsageError(
        "export: \(OptionName.output) \(output): .\(ending) is none of \(known); "
          + "name one of them, or the format by \(OptionName.format)")
    }
    self = given ?? named ?? .safetensors
    guard self == .torch, named == nil else { return }
    throw UsageError(
      "export: \(OptionName.output) \(output) is no name of Python code; give \(OptionName.output) "
        + "NAME\(self.ending)")
  }
}
