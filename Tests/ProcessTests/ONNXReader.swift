import Foundation
import Testing

/// Reads an ONNX file field by field, by the numbers of onnx.proto and nothing of the writer's.
struct ONNXReader {
  struct Tensor {
    let name: String
    let type: Int
    let shape: [Int]
    let bytes: ArraySlice<UInt8>
  }

  private(set) var tensors: [Tensor] = []
  /// The file as text: inputs, constants, nodes, outputs.
  private(set) var listing = ""

  init(path: String) throws {
    let model = try Fields(Array(Data(contentsOf: URL(fileURLWithPath: path))))
    let operators = try Fields(try #require(model.bytes(8).first))
    let graph = try Fields(try #require(model.bytes(7).first))
    var lines = ["opset \(operators.numbers(2)[0])"]
    for input in graph.bytes(11) { lines.append("input " + (try ONNXReader.value(input))) }
    for bytes in graph.bytes(5) {
      let fields = try Fields(bytes)
      let tensor = Tensor(
        name: fields.text(8), type: fields.numbers(2)[0], shape: fields.numbers(1),
        bytes: try #require(fields.bytes(9).first))
      tensors.append(tensor)
      let size = tensor.shape.reduce(1, *) * (tensor.type == 7 ? 8 : 4)
      #expect(tensor.bytes.count == size, "\(tensor.name)")
      lines.append("\(tensor.name): \(ONNXReader.types[tensor.type] ?? "?") \(tensor.shape)")
    }
    var known = Set(tensors.map(\.name) + (try graph.bytes(11).map { try Fields($0).text(1) }))
    for bytes in graph.bytes(1) {
      let node = try Fields(bytes)
      let (inputs, outputs) = (node.texts(1), node.texts(2))
      for input in inputs where !input.isEmpty {
        #expect(known.contains(input), "\(input) comes from nowhere")
      }
      for output in outputs { #expect(known.insert(output).inserted, "\(output) comes twice") }
      let options = try node.bytes(5).map { try ONNXReader.attribute($0) }
      lines.append(
        "\(outputs.joined(separator: ", ")) = \(node.text(4))(\(inputs.joined(separator: ", ")))"
          + (options.isEmpty ? "" : " {\(options.joined(separator: ", "))}"))
    }
    for output in graph.bytes(12) { lines.append("output " + (try ONNXReader.value(output))) }
    listing = lines.joined(separator: "\n") + "\n"
  }

  private static let types = [1: "float32", 2: "uint8", 6: "int32", 7: "int64", 9: "bool"]

  private static func value(_ bytes: ArraySlice<UInt8>) throws -> String {
    let info = try Fields(bytes)
    let tensor = try Fields(try #require(try Fields(info.bytes(2)[0]).bytes(1).first))
    let sizes = try Fields(tensor.bytes(2)[0]).bytes(1).map { bytes in
      let size = try Fields(bytes)
      return size.numbers(1).first.map(String.init) ?? size.text(2)
    }
    return
      "\(info.text(1)): \(types[tensor.numbers(1)[0]] ?? "?") [\(sizes.joined(separator: ", "))]"
  }

  private static func attribute(_ bytes: ArraySlice<UInt8>) throws -> String {
    let fields = try Fields(bytes)
    let value =
      switch fields.numbers(20)[0] {
      case 1: String(format: "%.6g", fields.floats(2)[0])
      case 2: "\(fields.numbers(3)[0])"
      case 3: fields.text(4)
      case 7: "\(fields.numbers(8))"
      default: "[\(fields.texts(9).joined(separator: ", "))]"
      }
    return "\(fields.text(1)): \(value)"
  }
}

/// The fields of a protobuf message, in order.
private struct Fields {
  private var varints: [(Int, Int)] = []
  private var fixed: [(Int, UInt32)] = []
  private var blocks: [(Int, ArraySlice<UInt8>)] = []

  init(_ bytes: [UInt8]) throws { try self.init(bytes[...]) }

  init(_ bytes: ArraySlice<UInt8>) throws {
    var rest = bytes
    func varint() throws -> Int {
      var (value, shift) = (UInt64(0), UInt64(0))
      while true {
        let first = rest.popFirst()
        let byte = try #require(first)
        value |= UInt64(byte & 0x7f) << shift
        if byte < 0x80 { return Int(bitPattern: UInt(value)) }
        shift += 7
      }
    }
    while !rest.isEmpty {
      let key = try varint()
      switch key & 7 {
      case 0: varints.append((key >> 3, try varint()))
      case 2:
        let count = try varint()
        try #require(count <= rest.count)
        blocks.append((key >> 3, rest.prefix(count)))
        rest = rest.dropFirst(count)
      case 5:
        let bits = rest.prefix(4).reversed().reduce(UInt32(0)) { $0 << 8 | UInt32($1) }
        fixed.append((key >> 3, bits))
        rest = rest.dropFirst(4)
      default: Issue.record("wire type \(key & 7)")
      }
    }
  }

  func numbers(_ field: Int) -> [Int] { varints.filter { $0.0 == field }.map(\.1) }
  func floats(_ field: Int) -> [Float] {
    fixed.filter { $0.0 == field }.map { Float(bitPattern: $0.1) }
  }
  func bytes(_ field: Int) -> [ArraySlice<UInt8>] { blocks.filter { $0.0 == field }.map(\.1) }
  func texts(_ field: Int) -> [String] { bytes(field).map { String(decoding: $0, as: UTF8.self) } }
  func text(_ field: Int) -> String { texts(field).first ?? "" }
}
