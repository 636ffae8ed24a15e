import DLCluster
import DLFormats
import DLLayers
import DLTensor

/// A file of weights that does not fit the model.
public struct StateDictError: DLError {
  /// The file.
  public let path: String
  /// What differs: missing and unknown names, other shapes.
  public let differences: [String]

  /// A fault of the configuration: the file is sound.
  public var exitCode: ExitCode { .usage }

  /// One line with the first differences.
  public var description: String {
    let shown = differences.prefix(3).joined(separator: "; ")
    let more = differences.count > 3 ? "; and \(differences.count - 3) more" : ""
    return
      "\(path): does not fit the model: \(shown)\(more); use the configuration it was saved with"
  }
}

/// A model's parameters and buffers under PyTorch's names and layouts, as files hold them.
///
/// Counterpart: `torch.nn.Module.state_dict`.
public struct StateDict {
  /// One entry: a name, its shape and type in files, and the tensor in memory.
  struct Entry {
    let name: String
    let fileShape: [Int]
    let layout: ParameterLayout
    let tensor: Tensor
    /// Whether this rank overwrites the tensor when it loads a file; another may do it for all.
    var isLoaded = true
  }

  /// Parameters and then buffers, ties under every name.
  let entries: [Entry]

  /// Takes the parameters and buffers of a model.
  ///
  /// - Throws: ``TensorError`` for a model without memory.
  public init(_ arena: ParameterArena) throws { try self.init(arena, adding: []) }

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
  }

  /// Overwrites what a checkpoint has a mean of by that mean.
  func loadAverages(from file: SafetensorsFile) throws {
    for entry in entries {
      let average = Entry(
        name: RunAverage.prefix + entry.name, fileShape: entry.fileShape, layout: entry.layout,
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
  public func write(to path: String) throws { try SafetensorsWriter.write(fileTensors, to: path) }

  /// Overwrites parameters and buffers with those of `file`, converting between float types.
  ///
  /// - Parameter ignored: names in the file that belong to something else, such as optimizer state.
  /// - Throws: ``StateDictError`` naming every difference in names and shapes; `FormatError`.
  public func load(from file: SafetensorsFile, ignoring ignored: (String) -> Bool = { _ in false })
    throws
  {
    var differences: [String] = []
    let wanted = Set(entries.map { ScalarString($0.name) })
    for entry in entries {
      if let info = file[entry.name] {
        if info.shape != entry.fileShape {
          differences.append("\(entry.name) has shape \(info.shape), the model \(entry.fileShape)")
        } else if !entry.accepts(info.dtype) {
          differences.append(
            "\(entry.name) is \(info.dtype.rawValue), the model \(entry.tensor.dtype)")
        }
      } else if entry.tensor.dtype != .int64 {
        differences.append("\(entry.name) is missing")
      }
    }
    for info in file.tensors where !wanted.contains(ScalarString(info.name)) && !ignored(info.name)
    {
      differences.append("\(info.name) is not in the model")
    }
    guard differences.isEmpty else {
      throw StateDictError(path: file.path, differences: differences)
    }
    for entry in entries where entry.isLoaded && file[entry.name] != nil {
      try entry.read(from: file)
    }
  }
}

extension StateDict.Entry {
  var fileTensor: SafetensorsTensor {
    let tensor = tensor
    guard case .convolution = layout else {
      return SafetensorsTensor(
        name: name, dtype: tensor.dtype.safetensors, shape: fileShape, bytes: tensor.bytes)
    }
    return SafetensorsTensor(name: name, dtype: tensor.dtype.safetensors, shape: fileShape) {
      sink in
      let transposed = try tensor.context.withoutRecording { try layout.inFile(tensor) }
      try sink(transposed.bytes)
    }
  }

  /// Whether a file's element type can be read into this tensor.
  func accepts(_ type: SafetensorsType) -> Bool {
    type == tensor.dtype.safetensors
      || (tensor.dtype.isReal && (type == .float32 || type == .float64))
  }

  func read(from file: SafetensorsFile) throws {
    let info = try file.info(name)
    if case .plain = layout, info.dtype == tensor.dtype.safetensors {
      // Straight to its place, since a large tensor beside it would stay in the pool.
      let place = UnsafeMutableRawBufferPointer(start: tensor.pointer, count: tensor.byteCount)
      return try file.read(name, into: place)
    }
    let source = try Tensor.empty(
      Shape(fileShape), dtype: DType(info.dtype) ?? tensor.dtype, context: tensor.context)
    try file.read(
      name, into: UnsafeMutableRawBufferPointer(start: source.pointer, count: source.byteCount))
    let converted =
      source.dtype == tensor.dtype
      ? source
      : try Tensor.values(
        source.doubles, shape: source.shape, dtype: tensor.dtype, context: tensor.context)
    let result = try tensor.context.withoutRecording { try layout.inMemory(converted) }
    tensor.pointer.copyMemory(from: result.pointer, byteCount: result.byteCount)
  }
}

extension DType {
  /// The type's name in safetensors files.
  var safetensors: SafetensorsType {
    switch self {
    case .float32: .float32
    case .float64: .float64
    case .bfloat16: .bfloat16
    case .int32: .int32
    case .int64: .int64
    case .uint8: .uint8
    }
  }

  /// The type of a safetensors tensor; nil for types that no tensor has.
  init?(_ type: SafetensorsType) {
    guard let match = DType.allCases.first(where: { $0.safetensors == type }) else { return nil }
    self = match
  }
}
