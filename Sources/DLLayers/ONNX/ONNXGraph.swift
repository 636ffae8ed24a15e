import DLCore
import DLFormats
import DLTensor

/// The nodes of a network that is being written as ONNX.
///
/// Layers add theirs by ``node(_:_:_:)``; what they give is named by the layer's path and the operator,
/// as in `layer1.0.conv1/Conv`. Parameters keep PyTorch's names and layouts.
public final class ONNXGraph {
  /// The nodes and constants so far.
  package private(set) var model = ONNXModel()
  /// The context in which constants are computed.
  let context: Context

  private var names: Set<String> = []
  private var path = ""
  /// The nodes that there are already, by what they were made of.
  private var made: [String: String] = [:]
  private var divisors: [ObjectIdentifier: Tensor] = [:]

  /// Makes a graph without nodes, for a network whose parameters are float32.
  package init(_ context: Context) { self.context = context }

  /// Adds a layer.
  ///
  /// - Throws: ``LayerExportError`` with the layer's path where it has no ONNX form.
  public func add(_ layer: any Layer, to x: ONNXValue) throws -> ONNXValue {
    let form: (ONNXValue, ONNXGraph) throws -> ONNXValue
    switch layer {
    case let layer as any BuiltInONNXLayer: form = layer.onnx
    case let layer as any ONNXLayer: form = layer.onnx
    default:
      throw LayerExportError(
        "ONNX", layer,
        "its type does not conform to ONNXLayer; use \(OptionName.format) safetensors")
    }
    return try layer.located {
      let outer = path
      if !layer.path.isEmpty { path = layer.path }
      defer { path = outer }
      var y = try form(x, self)
      // As forward passes hand lengths on: a chain has done it itself.
      if y.lengths == nil, !(layer is Sequential), y.row.rank > 1, y.row[0] == x.row[0] {
        y.lengths = x.lengths
      }
      return y
    }
  }

  // MARK: Nodes

  /// Adds a node with one output.
  ///
  /// - Parameter inputs: names of values; empty ones at places that are left out.
  /// - Returns: the output's name.
  public func node(
    _ op: String, _ inputs: [String], _ attributes: KeyValuePairs<String, ONNXAttribute> = [:]
  ) -> String {
    nodes(op, inputs, attributes.map { ($0.key, $0.value) })[0]
  }

  /// Adds a node with any number of outputs.
  public func nodes(
    _ op: String, _ inputs: [String], _ attributes: [(name: String, value: ONNXAttribute)] = [],
    outputs: Int = 1
  ) -> [String] {
    let outputs = (0..<outputs).map { _ in unused((path.isEmpty ? "" : path + "/") + op) }
    model.nodes.append(
      ONNXNode(op: op, inputs: inputs, outputs: outputs, attributes: attributes))
    return outputs
  }

  /// The same node again where one was made with this key.
  ///
  /// - Throws: what `make` throws.
  package func shared(_ key: String, _ make: () throws -> String) rethrows -> String {
    if let name = made[key] { return name }
    let name = try make()
    made[key] = name
    return name
  }

  private func unused(_ name: String) -> String {
    var (candidate, number) = (name, 1)
    while !names.insert(candidate).inserted {
      candidate = "\(name)_\(number)"
      number += 1
    }
    return candidate
  }

  // MARK: Constants

  /// The numbers of a parameter, in PyTorch's layout and under its name.
  ///
  /// - Throws: ``TensorError`` where there is no memory for its bytes.
  public func weight(_ parameter: Parameter) throws -> String {
    try shared("parameter " + parameter.name) {
      var value = try parameter.layout.inFile(parameter.value)
      if let divisor = divisors[ObjectIdentifier(parameter)] { value = try value / divisor }
      return constant(value, parameter.name)
    }
  }

  /// The numbers of a buffer under its name.
  ///
  /// - Throws: ``TensorError`` where there is no memory for its bytes.
  public func weight(_ buffer: Buffer) throws -> String {
    try shared("parameter " + buffer.name) { constant(try buffer.value, buffer.name) }
  }

  /// Lets the weight be divided by a number wherever it comes.
  func divide(_ parameter: Parameter, by divisor: Tensor) {
    divisors[ObjectIdentifier(parameter)] = divisor
  }

  /// A parameter `[out, in]` as `[in, out]`, as which files have that of some layers already.
  ///
  /// - Throws: ``TensorError`` before the model has an arena, or where there is no memory for
  ///   another layout.
  package func transposed(_ parameter: Parameter) throws -> String {
    let weight = try weight(parameter)
    guard parameter.layout != .transposed else { return weight }
    return shared("transposed " + parameter.name) { node("Transpose", [weight], ["perm": [1, 0]]) }
  }

  /// The numbers of a tensor of any shape, which it must keep.
  ///
  /// - Parameter name: what it is, which gets a number where it is taken.
  public func constant(_ tensor: Tensor, _ name: String) -> String {
    let name = unused(name)
    model.initializers.append(
      ONNXTensor(
        name: name, type: .float32, shape: tensor.shape.dimensions, byteCount: tensor.byteCount
      ) { sink in try sink(tensor.bytes) })
    return name
  }

  /// A few numbers; none of a shape, one number.
  ///
  /// - Throws: ``TensorError`` where there is no memory for its bytes.
  public func constant(_ values: [Double], shape: [Int]? = nil) throws -> String {
    let shape = shape ?? (values.count == 1 ? [] : [values.count])
    return try shared("floats \(values) \(shape)") {
      let tensor = try Tensor.values(values, shape: Shape(shape), dtype: .float32, context: context)
      return constant(tensor, "constant")
    }
  }

  /// A few whole numbers, int64.
  public func integers(_ values: [Int], shape: [Int]? = nil) -> String {
    let shape = shape ?? [values.count]
    return shared("integers \(values) \(shape)") {
      let name = unused("integers")
      model.initializers.append(
        ONNXTensor(name: name, type: .int64, shape: shape, byteCount: values.count * 8) { sink in
          try values.map { Int64($0).littleEndian }.withUnsafeBytes { try sink($0) }
        })
      return name
    }
  }

  /// The value in another type of elements.
  package func cast(_ name: String, to type: ONNXType) -> String {
    shared("cast \(type) " + name) { node("Cast", [name], ["to": .int(type.rawValue)]) }
  }

  // MARK: Shapes

  /// The value with its channels before the other axes.
  public func channelsFirst(_ x: ONNXValue) -> ONNXValue {
    guard !x.isChannelsFirst, x.row.rank > 1 else { return x }
    return moved(x, [0, x.row.rank] + Array(1..<x.row.rank))
  }

  /// The value with its channels behind the other axes, as layers have it.
  public func channelsLast(_ x: ONNXValue) -> ONNXValue {
    guard x.isChannelsFirst else { return x }
    return moved(x, [0] + Array(2..<x.row.rank + 1) + [1])
  }

  /// The value in the layout of another one.
  func like(_ other: ONNXValue, _ x: ONNXValue) -> ONNXValue {
    other.isChannelsFirst ? channelsFirst(x) : channelsLast(x)
  }

  private func moved(_ x: ONNXValue, _ axes: [Int]) -> ONNXValue {
    let name = shared("moved \(x.isChannelsFirst) " + x.name) {
      node("Transpose", [x.name], ["perm": .ints(axes)])
    }
    // And back again, without a node.
    made["moved \(!x.isChannelsFirst) " + name] = x.name
    return ONNXValue(
      name, row: x.row, isChannelsFirst: !x.isChannelsFirst, lengths: x.lengths)
  }

  /// The elements as they lie in rows of another shape, without a batch axis.
  public func reshape(_ name: String, _ row: [Int]) -> String {
    node("Reshape", [name, integers([0] + row)])
  }

  /// An axis less or more, by `Squeeze` or `Unsqueeze`.
  package func axis(_ op: String, _ name: String, _ axis: Int) -> String {
    node(op, [name, integers([axis])])
  }

  /// The sum of two values of one shape, with the first one's lengths.
  package func sum(_ x: ONNXValue, _ y: ONNXValue) -> ONNXValue {
    var sum = x.with(node("Add", [x.name, like(x, y).name]))
    sum.lengths = x.lengths
    return sum
  }

  /// One position of a sequence, `[batch, features]`.
  package func position(_ position: Int, of x: ONNXValue) -> ONNXValue {
    let x = channelsLast(x)
    let name = node("Gather", [x.name, integers([position], shape: [])], ["axis": 1])
    return ONNXValue(name, row: [x.row[1]])
  }

  /// A vector in front of each sequence, of a parameter `[1, 1, features]`.
  ///
  /// - Throws: ``TensorError`` before the model has an arena.
  package func withToken(_ token: Parameter, before x: ONNXValue) throws -> ONNXValue {
    let batch = node("Shape", [x.name], ["start": 0, "end": 1])
    let shape = node("Concat", [batch, integers([1, x.row[1]])], ["axis": 0])
    let token = node("Expand", [try weight(token), shape])
    var y = x.with(
      node("Concat", [token, x.name], ["axis": 1]), row: [x.row[0] + 1, x.row[1]])
    y.lengths = x.lengths.map { node("Add", [$0, integers([1], shape: [])]) }
    return y
  }

  // MARK: Lengths

  /// The mask of the `positions` that are valid, bool `[batch, positions]`.
  func valid(_ lengths: String, of positions: Int) -> String {
    shared("valid \(positions) " + lengths) {
      let range = integers(Array(0..<positions), shape: [1, positions])
      return node("Less", [range, axis("Unsqueeze", lengths, 1)])
    }
  }

  /// The value with another number behind each row's length.
  func paddingFilled(_ x: ONNXValue, _ value: Double = 0) throws -> ONNXValue {
    guard let lengths = x.lengths else { return x }
    var mask = valid(lengths, of: x.row[0])
    for place in 0..<x.row.rank - 1 {
      mask = axis("Unsqueeze", mask, x.isChannelsFirst ? 1 : 2 + place)
    }
    var y = x.with(node("Where", [mask, x.name, try constant([value])]))
    y.lengths = lengths
    return y
  }

  /// The lengths behind a window over one axis, at most `limit`: those of `Tensor.lengths(behind:)`.
  func lengths(_ lengths: String?, behind window: Window2d, upTo limit: Int) throws -> String? {
    guard let lengths else { return nil }
    let sides = try window.sides(op: "lengths")
    let more = integers([sides.left + sides.right - window.reach.width], shape: [])
    let rest = node("Max", [node("Add", [lengths, more]), integers([0], shape: [])])
    let steps = node("Div", [rest, integers([window.stride.width], shape: [])])
    let windows = node("Add", [steps, integers([1], shape: [])])
    let fitting = node("Min", [windows, integers([limit], shape: [])])
    let some = node("Greater", [lengths, integers([0], shape: [])])
    return node("Where", [some, fitting, integers([0], shape: [])])
  }

  // MARK: The whole

  /// Takes what goes in and comes out, and what the file says of itself.
  package func finish(
    inputs: [ONNXInput], outputs: [ONNXInput], name: String, version: String,
    notes: [(String, String)]
  ) -> ONNXModel {
    model.inputs = inputs
    model.outputs = outputs
    model.name = name
    model.version = version
    model.notes = notes
    return model
  }

  /// Keeps a name for an input or output.
  package func reserve(_ name: String) { names.insert(name) }

  /// Gives a value the name of an output.
  package func output(_ value: String, as name: String) {
    model.nodes.append(
      ONNXNode(op: "Identity", inputs: [value], outputs: [name], attributes: []))
  }
}
