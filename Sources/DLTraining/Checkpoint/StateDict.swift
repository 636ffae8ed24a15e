import DLCore
import DLFormats
import DLLayers
import DLTensor

/// A model's parameters and buffers under PyTorch's names and layouts, as files hold them.
///
/// Counterpart: `torch.nn.Module.state_dict`.
package struct StateDict {
  /// Parameters and then buffers, ties under every name.
  let entries: [Entry]
  /// The names of each tensor of the model, the first of them its own; ties have several.
  let names: [[String]]
  /// The name of the last parameter; nil for a model without any.
  let lastParameter: String?

  /// Takes the parameters and buffers of a model.
  ///
  /// - Throws: ``TensorError`` for a model without memory.
  package init(_ arena: ParameterArena) throws { try self.init(arena, adding: []) }

  /// Takes tensors that are no model's, by their names.
  init(_ entries: [Entry]) {
    self.entries = entries
    names = entries.map { [$0.name] }
    lastParameter = nil
  }

  init(_ arena: ParameterArena, adding others: [Entry]) throws {
    let named =
      arena.parameters.map { ($0.name, $0) } + arena.tiedNames.map { ($0.name, $0.parameter) }
    let namedBuffers =
      arena.buffers.map { ($0.name, $0) } + arena.tiedBufferNames.map { ($0.name, $0.buffer) }
    entries =
      try named.map { name, parameter in
        Entry(
          name: name, fileShape: parameter.fileShape.dimensions, layout: parameter.layout,
          tensor: try parameter.value, isLoaded: arena.exchange.writesValues)
      }
      + namedBuffers.map { name, buffer in
        Entry(
          name: name, fileShape: buffer.shape.dimensions, layout: .plain,
          tensor: try buffer.value)
      } + others
    lastParameter = arena.parameters.last?.name
    names =
      arena.parameters.map { parameter in
        [parameter.name] + arena.tiedNames.filter { $0.parameter === parameter }.map(\.name)
      }
      + arena.buffers.map { buffer in
        [buffer.name] + arena.tiedBufferNames.filter { $0.buffer === buffer }.map(\.name)
      }
  }

  /// Overwrites what a checkpoint has a mean of by that mean.
  func loadAverages(from file: SafetensorsFile) throws {
    for entry in entries {
      let average = Entry(
        name: WeightAveraging.prefix + entry.name, fileShape: entry.fileShape, layout: entry.layout,
        tensor: entry.tensor)
      guard let info = file[average.name], info.shape == entry.fileShape,
        average.accepts(info.dtype)
      else { continue }
      try average.read(from: file)
    }
  }

  /// The tensors to write; valid while the model lives and does not change.
  var fileTensors: [SafetensorsTensor] { entries.map { $0.fileTensor } }

  /// Writes a safetensors file that PyTorch's `load_state_dict` takes.
  ///
  /// - Throws: `FormatError` when the file cannot be written.
  package func write(to path: String) throws { try SafetensorsWriter.write(fileTensors, to: path) }

  /// Overwrites everything by what a checkpoint holds under the very same names.
  ///
  /// - Parameter ignored: names in the file that belong to something else, such as optimizer state.
  /// - Throws: ``StateDictError`` naming every difference in names and shapes; `FormatError`.
  package func load(from file: SafetensorsFile, ignoring ignored: (String) -> Bool = { _ in false })
    throws
  {
    var differences: [String] = []
    let wanted = Set(entries.map { ScalarString($0.name) })
    for entry in entries {
      if let info = file[entry.name] {
        if let difference = entry.difference(from: info) { differences.append(difference) }
      } else if entry.tensor.dtype != .int64 {
        differences.append("\(entry.name) is missing")
      }
    }
    for info in file.tensors where !wanted.contains(ScalarString(info.name)) && !ignored(info.name)
    {
      differences.append("\(info.name) is not in the model")
    }
    guard differences.isEmpty else {
      throw StateDictError(
        path: file.path, differences: differences,
        advice: "use the configuration it was saved with")
    }
    for entry in entries where entry.isLoaded && file[entry.name] != nil {
      try entry.read(from: file)
    }
  }
}
