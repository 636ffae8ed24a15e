import DLCore
import DLFormats
import DLTensor
import DLTestSupport
import Foundation

/// One case of a family file made by scripts/golden/make_ops.py: options, inputs, and PyTorch's
/// outputs and gradients.
struct GoldenCase: CustomStringConvertible {
  let name: String
  let options: JSON
  let file: SafetensorsFile

  var description: String { name }
  var op: String { options["op"]?.string ?? "" }

  /// The names below `CASE/prefix/`.
  func names(_ prefix: String) -> [String] {
    let start = "\(name)/\(prefix)/"
    return file.tensors.filter { $0.name.hasPrefix(start) }
      .map { String($0.name.dropFirst(start.count)) }.sorted()
  }

  func shape(_ key: String) throws -> Shape { Shape(try file.info("\(name)/\(key)").shape) }

  func values(_ key: String) throws -> [Double] { try file.doubles("\(name)/\(key)") }

  /// An input in the precision of the context; labels as int32.
  func input(_ key: String, _ context: Context) throws -> Tensor {
    let (shape, values) = (try shape("in/\(key)"), try values("in/\(key)"))
    if try file.info("\(name)/in/\(key)").dtype == .int32 {
      return try Tensor.labels(values.map { Int32($0) }, shape: shape, context: context)
    }
    if try file.info("\(name)/in/\(key)").dtype == .uint8 {
      return try Tensor.mask(values.map { $0 != 0 }, shape: shape, context: context)
    }
    return try Tensor.values(values, shape: shape, context: context)
  }

  func number(_ key: String) throws -> Double {
    try options.get(key).number()
  }

  func flag(_ key: String) -> Bool { options[key] == .bool(true) }

  func integers(_ key: String) throws -> [Int] {
    try options.get(key).integers()
  }

  func size(_ key: String) throws -> Size2d {
    let list = try integers(key)
    return Size2d(list[0], list[1])
  }

  func window() throws -> Window2d {
    Window2d(kernel: try size("kernel"), stride: try size("stride"), padding: try size("padding"))
  }
}

/// The folder of golden files.
enum Golden {
  static let folder = URL(fileURLWithPath: #filePath).deletingLastPathComponent().path + "/Golden"

  static func file(_ name: String) throws -> SafetensorsFile {
    try SafetensorsFile(path: "\(folder)/\(name).safetensors")
  }

  /// The cases of a family, by name.
  static func cases(_ family: String) throws -> [GoldenCase] {
    let file = try file(family)
    return try file.metadata.sorted { $0.key < $1.key }.map {
      GoldenCase(name: $0.key, options: try JSON(parsing: $0.value), file: file)
    }
  }
}
