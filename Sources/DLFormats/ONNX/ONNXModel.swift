import DLCore

/// A network as an ONNX file holds it: nodes in the order in which they run, and their weights.
///
/// The messages and field numbers are those of onnx.proto, https://github.com/onnx/onnx.
package struct ONNXModel {
  /// The operators' version: of 2022, which every runtime in use knows.
  package static let operatorSet = 17
  /// The version of the file format that goes with it.
  package static let formatVersion = 8

  /// The nodes in order.
  package var nodes: [ONNXNode] = []
  /// Constants: weights, and the numbers that nodes need.
  package var initializers: [ONNXTensor] = []
  /// The inputs that a user feeds.
  package var inputs: [ONNXInput] = []
  /// The outputs that a user gets.
  package var outputs: [ONNXInput] = []
  /// The graph's name.
  package var name = ""
  /// The version of the program.
  package var version = ""
  /// The notes of the file on itself, as names and values.
  package var notes: [(String, String)] = []

  /// Makes a model without nodes.
  package init() {}

  /// Writes the model to `path`, which is replaced as a whole.
  ///
  /// - Throws: `FormatError`: for a model beyond the 2 GiB that a protobuf file can have, and where the
  ///   system refuses.
  package func write(to path: String) throws {
    let message = message
    guard message.byteCount <= ProtobufMessage.maximumByteCount else {
      throw FormatError(
        .content, file: path,
        "the network has \(message.byteCount) bytes, an ONNX file at most 2 GiB",
        advice: "use \(OptionName.format) safetensors")
    }
    try File.replace(path) { file in try message.write { try file.write($0) } }
  }

  private var message: ProtobufMessage {
    var graph = ProtobufMessage()
    for node in nodes { graph.add(1, node.message) }
    graph.add(2, name)
    for tensor in initializers { graph.add(5, tensor.message) }
    for input in inputs { graph.add(11, input.message) }
    for output in outputs { graph.add(12, output.message) }
    var operators = ProtobufMessage()
    operators.add(1, "")
    operators.add(2, ONNXModel.operatorSet)
    var model = ProtobufMessage()
    model.add(1, ONNXModel.formatVersion)
    model.add(2, "dltrain")
    model.add(3, version)
    model.add(7, graph)
    model.add(8, operators)
    for (key, value) in notes {
      var entry = ProtobufMessage()
      entry.add(1, key)
      entry.add(2, value)
      model.add(14, entry)
    }
    return model
  }
}

/// The type of a tensor's elements, with its number in TensorProto.DataType.
package enum ONNXType: Int {
  case float32 = 1
  case uint8 = 2
  case int32 = 6
  case int64 = 7
  case bool = 9
}

/// A constant.
package struct ONNXTensor {
  /// The name, unique in the graph.
  package let name: String
  /// The elements' type.
  package let type: ONNXType
  /// The sizes of the axes.
  package let shape: [Int]
  private let byteCount: Int
  private let produce: (ProtobufMessage.Sink) throws -> Void

  /// Makes a constant whose bytes, little-endian, are made while the file is written.
  package init(
    name: String, type: ONNXType, shape: [Int], byteCount: Int,
    produce: @escaping (ProtobufMessage.Sink) throws -> Void
  ) {
    self.name = name
    self.type = type
    self.shape = shape
    self.byteCount = byteCount
    self.produce = produce
  }

  fileprivate var message: ProtobufMessage {
    var message = ProtobufMessage()
    for size in shape { message.add(1, size) }
    message.add(2, type.rawValue)
    message.add(8, name)
    message.add(9, count: byteCount, produce)
    return message
  }
}

/// An operator's use.
package struct ONNXNode {
  /// The operator, as in `Conv`.
  package let op: String
  /// Names of what it takes; an empty one stands for what is left out.
  package let inputs: [String]
  /// Names of what it gives.
  package let outputs: [String]
  /// Its options.
  package let attributes: [(name: String, value: ONNXAttribute)]

  /// Makes a node.
  package init(
    op: String, inputs: [String], outputs: [String],
    attributes: [(name: String, value: ONNXAttribute)]
  ) {
    self.op = op
    self.inputs = inputs
    self.outputs = outputs
    self.attributes = attributes
  }

  fileprivate var message: ProtobufMessage {
    var message = ProtobufMessage()
    for input in inputs { message.add(1, input) }
    for output in outputs { message.add(2, output) }
    message.add(3, outputs.first ?? op)
    message.add(4, op)
    for (name, value) in attributes { message.add(5, value.message(name)) }
    return message
  }
}

/// An option of an ONNX operator; literals make it.
public enum ONNXAttribute: Sendable, ExpressibleByIntegerLiteral, ExpressibleByFloatLiteral,
  ExpressibleByStringLiteral, ExpressibleByArrayLiteral
{
  /// A whole number.
  case int(Int)
  /// A number.
  case float(Double)
  /// A word.
  case string(String)
  /// Whole numbers.
  case ints([Int])
  /// Words.
  case strings([String])

  /// A whole number.
  public init(integerLiteral value: Int) { self = .int(value) }
  /// A number.
  public init(floatLiteral value: Double) { self = .float(value) }
  /// A word.
  public init(stringLiteral value: String) { self = .string(value) }
  /// Whole numbers.
  public init(arrayLiteral elements: Int...) { self = .ints(elements) }

  fileprivate func message(_ name: String) -> ProtobufMessage {
    var message = ProtobufMessage()
    message.add(1, name)
    switch self {
    case .float(let value):
      message.add(2, Float(value))
      message.add(20, 1)
    case .int(let value):
      message.add(3, value)
      message.add(20, 2)
    case .string(let value):
      message.add(4, value)
      message.add(20, 3)
    case .ints(let values):
      for value in values { message.add(8, value) }
      message.add(20, 7)
    case .strings(let values):
      for value in values { message.add(9, value) }
      message.add(20, 8)
    }
    return message
  }
}

/// An input or output of a graph.
package struct ONNXInput {
  /// An axis of a fixed size, or of any that goes by a name.
  package enum Axis {
    /// The size.
    case size(Int)
    /// The name of any size.
    case any(String)
  }

  /// The name.
  package let name: String
  /// The elements' type.
  package let type: ONNXType
  /// The axes.
  package let axes: [Axis]

  /// Makes an input or output.
  package init(name: String, type: ONNXType, axes: [Axis]) {
    self.name = name
    self.type = type
    self.axes = axes
  }

  /// Makes an input or output of rows, whose first axis is a batch of any size.
  package init(name: String, type: ONNXType, row: [Int]) {
    self.init(name: name, type: type, axes: [.any("batch")] + row.map(Axis.size))
  }

  fileprivate var message: ProtobufMessage {
    var shape = ProtobufMessage()
    for axis in axes {
      var extent = ProtobufMessage()
      switch axis {
      case .size(let size): extent.add(1, size)
      case .any(let name): extent.add(2, name)
      }
      shape.add(1, extent)
    }
    var tensor = ProtobufMessage()
    tensor.add(1, type.rawValue)
    tensor.add(2, shape)
    var type = ProtobufMessage()
    type.add(1, tensor)
    var message = ProtobufMessage()
    message.add(1, name)
    message.add(2, type)
    return message
  }
}
