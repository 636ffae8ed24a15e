import DLFormats
import DLTensor

/// A layer that is one ONNX operator on every element.
protocol ONNXElementwise: BuiltInONNXLayer {
  /// The operator and its attributes.
  var onnxOperator: (op: String, attributes: KeyValuePairs<String, ONNXAttribute>) { get }
}

extension ONNXElementwise {
  /// The operator's node.
  package func onnx(_ x: ONNXValue, in graph: ONNXGraph) -> ONNXValue {
    let (op, attributes) = onnxOperator
    return x.with(graph.node(op, [x.name], attributes))
  }
}

extension ReLU: ONNXElementwise {
  var onnxOperator: (op: String, attributes: KeyValuePairs<String, ONNXAttribute>) { ("Relu", [:]) }
}

extension LeakyReLU: ONNXElementwise {
  var onnxOperator: (op: String, attributes: KeyValuePairs<String, ONNXAttribute>) {
    ("LeakyRelu", ["alpha": .float(options.negativeSlope)])
  }
}

extension Sigmoid: ONNXElementwise {
  var onnxOperator: (op: String, attributes: KeyValuePairs<String, ONNXAttribute>) {
    ("Sigmoid", [:])
  }
}

extension Tanh: ONNXElementwise {
  var onnxOperator: (op: String, attributes: KeyValuePairs<String, ONNXAttribute>) { ("Tanh", [:]) }
}

extension ELU: ONNXElementwise {
  var onnxOperator: (op: String, attributes: KeyValuePairs<String, ONNXAttribute>) {
    ("Elu", ["alpha": .float(options.alpha)])
  }
}

extension SELU: ONNXElementwise {
  var onnxOperator: (op: String, attributes: KeyValuePairs<String, ONNXAttribute>) { ("Selu", [:]) }
}

extension HardSigmoid: ONNXElementwise {
  var onnxOperator: (op: String, attributes: KeyValuePairs<String, ONNXAttribute>) {
    ("HardSigmoid", ["alpha": .float(1 / 6.0), "beta": 0.5])
  }
}

extension HardSwish: ONNXElementwise {
  var onnxOperator: (op: String, attributes: KeyValuePairs<String, ONNXAttribute>) {
    ("HardSwish", [:])
  }
}

extension ReLU6: BuiltInONNXLayer {
  /// `Clip` from 0 to 6.
  ///
  /// - Throws: ``TensorError`` where there is no memory for the bounds.
  package func onnx(_ x: ONNXValue, in graph: ONNXGraph) throws -> ONNXValue {
    x.with(graph.node("Clip", [x.name, try graph.constant([0]), try graph.constant([6])]))
  }
}

extension SiLU: BuiltInONNXLayer {
  /// `x · Sigmoid(x)`.
  package func onnx(_ x: ONNXValue, in graph: ONNXGraph) -> ONNXValue {
    x.with(graph.node("Mul", [x.name, graph.node("Sigmoid", [x.name])]))
  }
}

extension GELU: BuiltInONNXLayer {
  /// By `Erf` or `Tanh`; an operator of its own came later than this set of operators.
  ///
  /// - Throws: ``TensorError`` where there is no memory for its constants.
  package func onnx(_ x: ONNXValue, in graph: ONNXGraph) throws -> ONNXValue {
    x.with(try graph.gelu(x.name, options.approximate))
  }
}

extension ONNXGraph {
  /// `x / 2 · (1 + erf(x / √2))`, or by `tanh(√(2 / π) · (x + 0.044715 x³))`.
  func gelu(_ x: String, _ approximation: GELUApproximation) throws -> String {
    let inner: String
    switch approximation {
    case .none: inner = node("Erf", [node("Mul", [x, try constant([Double(0.5).squareRoot()])])])
    case .tanh:
      let cube = node("Mul", [node("Mul", [x, x]), x])
      let sum = node("Add", [x, node("Mul", [cube, try constant([0.044715])])])
      inner = node("Tanh", [node("Mul", [sum, try constant([(2 / Double.pi).squareRoot()])])])
    }
    let half = node("Mul", [x, try constant([0.5])])
    return node("Mul", [half, node("Add", [inner, try constant([1])])])
  }
}

extension Softplus: BuiltInONNXLayer {
  /// `Softplus(beta · x) / beta`, and `x` itself above the threshold.
  ///
  /// - Throws: ``TensorError`` where there is no memory for `beta` and the threshold.
  package func onnx(_ x: ONNXValue, in graph: ONNXGraph) throws -> ONNXValue {
    let beta = try graph.constant([options.beta])
    let scaled = options.beta == 1 ? x.name : graph.node("Mul", [x.name, beta])
    var y = graph.node("Softplus", [scaled])
    if options.beta != 1 { y = graph.node("Div", [y, beta]) }
    let isLinear = graph.node("Greater", [scaled, try graph.constant([options.threshold])])
    return x.with(graph.node("Where", [isLinear, x.name, y]))
  }
}

extension Softmax: BuiltInONNXLayer {
  /// `Softmax` over the channels.
  package func onnx(_ x: ONNXValue, in graph: ONNXGraph) -> ONNXValue {
    x.with(graph.node("Softmax", [x.name], ["axis": .int(x.channelAxis)]))
  }
}

extension LogSoftmax: BuiltInONNXLayer {
  /// `LogSoftmax` over the channels.
  package func onnx(_ x: ONNXValue, in graph: ONNXGraph) -> ONNXValue {
    x.with(graph.node("LogSoftmax", [x.name], ["axis": .int(x.channelAxis)]))
  }
}

extension PReLU: BuiltInONNXLayer {
  /// `PRelu` with a slope for all channels or for each.
  ///
  /// - Throws: ``TensorError`` before the model has an arena.
  package func onnx(_ x: ONNXValue, in graph: ONNXGraph) throws -> ONNXValue {
    let count = weight.shape[0]
    var slope = try graph.weight(weight)
    if count > 1, x.isChannelsFirst {
      slope = graph.node("Reshape", [slope, graph.integers(x.perChannel(count))])
    }
    return x.with(graph.node("PRelu", [x.name, slope]))
  }
}

extension Maxout: BuiltInONNXLayer {
  /// The pieces on an axis of their own, and the largest of them.
  ///
  /// - Throws: ``TensorError`` where the channels are no multiple of the pieces.
  package func onnx(_ x: ONNXValue, in graph: ONNXGraph) throws -> ONNXValue {
    let x = graph.channelsLast(x)
    let row = try outputShape(for: x.row)
    let pieces = graph.reshape(x.name, row.dimensions + [options.pieces])
    let largest = graph.node("ReduceMax", [pieces], ["axes": [-1], "keepdims": 0])
    return x.with(largest, row: row)
  }
}

extension Dropout: BuiltInONNXLayer {
  /// Nothing, since nothing is dropped behind training.
  package func onnx(_ x: ONNXValue, in graph: ONNXGraph) -> ONNXValue { x }
}

extension ChannelDropout: BuiltInONNXLayer {
  /// Nothing, since nothing is dropped behind training.
  package func onnx(_ x: ONNXValue, in graph: ONNXGraph) -> ONNXValue { x }
}

extension DropPath: BuiltInONNXLayer {
  /// Nothing, since nothing is dropped behind training.
  package func onnx(_ x: ONNXValue, in graph: ONNXGraph) -> ONNXValue { x }
}
