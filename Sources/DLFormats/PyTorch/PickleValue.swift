/// A value that a pickle of tensors makes.
///
/// Containers and tensors are indices into the arrays of ``Pickle``, so that no pickle makes a tree
/// that is deep, or one that holds itself.
enum PickleValue {
  case none
  /// A number, a text of bytes, or another thing that no tensor is made of.
  case other
  case boolean(Bool)
  case integer(Int)
  case text(String)
  case tuple(Int)
  /// A list or set; what it holds is not kept.
  case list
  case dictionary(Int)
  case global(PickleGlobal)
  case storage(Int)
  case tensor(Int)
}

/// The names of a program that a pickle of tensors may hold.
enum PickleGlobal {
  case orderedDictionary
  case rebuildTensor
  case rebuildParameter
  case storage(SafetensorsType)

  /// Knows a name; nil for all others, whatever they are.
  init?(_ module: String, _ name: String) {
    switch (module, name) {
    case ("collections", "OrderedDict"): self = .orderedDictionary
    case ("torch._utils", "_rebuild_tensor_v2"): self = .rebuildTensor
    case ("torch._utils", "_rebuild_parameter"): self = .rebuildParameter
    case ("torch", _):
      guard let type = Self.storages[name] else { return nil }
      self = .storage(type)
    default: return nil
    }
  }

  private static let storages: [String: SafetensorsType] = [
    "FloatStorage": .float32, "DoubleStorage": .float64, "HalfStorage": .float16,
    "BFloat16Storage": .bfloat16, "LongStorage": .int64, "IntStorage": .int32,
    "ShortStorage": .int16, "CharStorage": .int8, "ByteStorage": .uint8, "BoolStorage": .bool,
    "ComplexFloatStorage": .complex64,
  ]
}

/// The numbers that tensors are views of: a member of the archive.
struct PickledStorage {
  let key: String
  let type: SafetensorsType
  let count: Int
}

/// A tensor as a view of a storage; all of its elements lie within.
struct PickledTensor {
  let storage: Int
  let offset: Int
  let shape: [Int]
  let strides: [Int]
}

extension PickledTensor {
  /// Returns whether the sizes are natural numbers whose product can be counted, and every element
  /// lies within a storage of `count`.
  func isWithin(_ count: Int) -> Bool {
    guard shape.count == strides.count, shape.count <= SafetensorsFile.maximumRank, offset >= 0,
      shape.allSatisfy({ $0 >= 0 }), strides.allSatisfy({ $0 >= 0 })
    else { return false }
    var (elements, last) = (8, offset)
    for (size, stride) in zip(shape, strides) {
      let (product, tooMany) = elements.multipliedReportingOverflow(by: max(size, 1))
      let (step, tooFar) = max(size - 1, 0).multipliedReportingOverflow(by: stride)
      let (place, tooLarge) = last.addingReportingOverflow(step)
      guard !tooMany, !tooFar, !tooLarge else { return false }
      (elements, last) = (product, place)
    }
    return shape.contains(0) || last < count
  }
}
