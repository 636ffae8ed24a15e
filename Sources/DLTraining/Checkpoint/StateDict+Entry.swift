import CKernels
import DLFormats
import DLLayers
import DLTensor

extension StateDict {
  /// One entry: a name, its shape and type in files, and the tensor in memory.
  struct Entry {
    let name: String
    let fileShape: [Int]
    let layout: ParameterLayout
    let tensor: Tensor
    /// True if this rank overwrites the tensor when it loads a file; another may do it for all.
    var isLoaded = true
  }
}

extension StateDict.Entry {
  var fileTensor: SafetensorsTensor {
    let tensor = tensor
    guard layout != .plain else {
      return SafetensorsTensor(
        name: name, dtype: tensor.dtype.safetensors, shape: fileShape, bytes: tensor.bytes)
    }
    return SafetensorsTensor(name: name, dtype: tensor.dtype.safetensors, shape: fileShape) {
      sink in
      let transposed = try tensor.context.withoutRecording { try layout.inFile(tensor) }
      try sink(transposed.bytes)
    }
  }

  /// Returns whether a file's element type can be read into this tensor.
  ///
  /// Integers and 8-bit floats are what quantized weights are stored as: without their scales they
  /// are not the weights.
  func accepts(_ type: SafetensorsType) -> Bool {
    switch type {
    case .float16, .bfloat16, .float32, .float64: tensor.dtype.isReal || tensor.dtype == .int64
    default: type == tensor.dtype.safetensors || (tensor.dtype == .int64 && type == .int32)
    }
  }

  /// The difference that keeps a file's tensor from being read into this one, in words; nil for
  /// none.
  func difference(from info: SafetensorsInfo) -> String? {
    if info.shape != fileShape {
      return "\(info.name) has shape \(info.shape), the model \(fileShape)"
    }
    return accepts(info.dtype)
      ? nil : "\(info.name) is \(info.dtype.rawValue), the model \(tensor.dtype)"
  }

  /// Overwrites the tensor by the file's one of the entry's name.
  func read(from file: SafetensorsFile) throws { try read(file.info(name), from: file) }

  /// Overwrites the tensor by one of a file, of any name and of an accepted type.
  func read(_ info: SafetensorsInfo, from file: any WeightSource) throws {
    if case .plain = layout, info.dtype == tensor.dtype.safetensors {
      // Straight to its place, since a large tensor beside it would stay in the pool.
      return try file.read(
        info, into: UnsafeMutableRawBufferPointer(start: tensor.pointer, count: tensor.byteCount))
    }
    let result = try decoded(info, from: file)
    tensor.pointer.copyMemory(from: result.pointer, byteCount: result.byteCount)
  }

  /// A tensor of a file in the type and layout of this one, its numbers rounded to the nearest, ties
  /// to even, as `Tensor.copy_` of PyTorch rounds them.
  func decoded(_ info: SafetensorsInfo, from file: any WeightSource) throws -> Tensor {
    let (shape, context) = (Shape(fileShape), tensor.context)
    func read(_ type: DType) throws -> Tensor {
      let source = try Tensor.empty(shape, dtype: type, context: context)
      try file.read(
        info, into: UnsafeMutableRawBufferPointer(start: source.pointer, count: source.byteCount))
      return source
    }
    let source: Tensor
    switch info.dtype {
    case .float16, .bfloat16:
      // Both fit into float32 without loss.
      let halves = UnsafeMutablePointer<UInt16>.allocate(capacity: max(info.count, 1))
      defer { halves.deallocate() }
      try file.read(
        info, into: UnsafeMutableRawBufferPointer(start: halves, count: info.bytes.count))
      source = try Tensor.empty(shape, dtype: .float32, context: context)
      let floats = source.pointer.bindMemory(to: Float.self, capacity: max(info.count, 1))
      if info.dtype == .float16 {
        dl_fp16_decode(1, halves, info.count, floats)
      } else {
        dl_bf16_decode(halves, info.count, floats)
      }
    default:
      source = try read(DType(info.dtype) ?? tensor.dtype)
    }
    let converted = try source.converted(to: tensor.dtype)
    return try context.withoutRecording { try layout.inMemory(converted) }
  }
}

extension Tensor {
  /// The numbers in another type; those of a real type by a kernel.
  fileprivate func converted(to type: DType) throws -> Tensor {
    guard type != dtype else { return self }
    let result = try Tensor.empty(shape, dtype: type, context: context)
    if type.isReal, dtype.isReal {
      dl_cast(dtype.kernel, pointer, type.kernel, result.pointer, shape.count)
    } else {
      // Counters alone have another type: one number each.
      let counts = result.pointer.bindMemory(to: Int64.self, capacity: max(count, 1))
      for (index, value) in doubles.enumerated() {
        counts[index] = Int64(exactly: value.rounded(.towardZero)) ?? 0
      }
    }
    return result
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
