import DLFormats
import DLTensor

extension ONNXGraph {
  /// `x · weight + bias` for each channel.
  fileprivate func scaled(_ x: ONNXValue, _ weight: Parameter?, _ bias: Parameter?) throws
    -> ONNXValue
  {
    var name = x.name
    for (op, parameter) in [("Mul", weight), ("Add", bias)] {
      guard let parameter else { continue }
      var numbers = try self.weight(parameter)
      if x.isChannelsFirst {
        numbers = node("Reshape", [numbers, integers(x.perChannel(parameter.shape[0]))])
      }
      name = node(op, [name, numbers])
    }
    return x.with(name)
  }

  /// The reason to refuse statistics over a row where rows end.
  fileprivate static var statisticsEnd: String {
    "its statistics are those of each row up to its padding; use layer_norm"
  }

  /// A number for each channel.
  fileprivate func repeated(_ value: Double, _ count: Int) throws -> String {
    try constant([Double](repeating: value, count: count), shape: [count])
  }

  /// `LayerNormalization` over the last axes.
  func layerNorm(_ x: String, _ norm: LayerNorm) throws -> String {
    let shape = norm.normalizedShape
    // The operator takes no input without a scale.
    let scale =
      try norm.weight.map { try weight($0) }
      ?? constant(Tensor.full(shape, 1, dtype: .float32, context: context), "ones")
    return node(
      "LayerNormalization", [x, scale] + (try norm.bias.map { [try weight($0)] } ?? []),
      ["axis": .int(-shape.rank), "epsilon": .float(norm.options.eps)])
  }
}

extension BatchNorm: BuiltInONNXLayer {
  /// `BatchNormalization` by the running statistics.
  ///
  /// - Throws: ``TensorError`` before the model has an arena, or where there is no memory for
  ///   scales and shifts of its own.
  package func onnx(_ x: ONNXValue, in graph: ONNXGraph) throws -> ONNXValue {
    let x = graph.channelsFirst(x)
    let count = runningMean.shape[0]
    let inputs = [
      x.name, try weight.map { try graph.weight($0) } ?? graph.repeated(1, count),
      try bias.map { try graph.weight($0) } ?? graph.repeated(0, count),
      try graph.weight(runningMean), try graph.weight(runningVar),
    ]
    return x.with(graph.node("BatchNormalization", inputs, ["epsilon": .float(options.eps)]))
  }
}

extension LayerNorm: BuiltInONNXLayer {
  /// `LayerNormalization`.
  ///
  /// - Throws: ``TensorError`` before the model has an arena.
  package func onnx(_ x: ONNXValue, in graph: ONNXGraph) throws -> ONNXValue {
    let x = graph.channelsLast(x)
    return x.with(try graph.layerNorm(x.name, self))
  }
}

extension GroupNorm: BuiltInONNXLayer {
  /// `InstanceNormalization` of the groups, then scale and shift; an operator of its own came later
  /// than this set of operators.
  ///
  /// - Throws: ``LayerExportError`` where rows end, and ``TensorError`` before the model has an
  ///   arena or where there is no memory.
  package func onnx(_ x: ONNXValue, in graph: ONNXGraph) throws -> ONNXValue {
    try graph.requireWholeRows(x, self, ONNXGraph.statisticsEnd)
    let x = graph.channelsFirst(x)
    let groups = options.numGroups
    let normal = graph.node(
      "InstanceNormalization",
      [
        graph.reshape(x.name, [groups, -1]), try graph.repeated(1, groups),
        try graph.repeated(0, groups),
      ], ["epsilon": .float(options.eps)])
    let row = x.row.dimensions
    let whole = graph.reshape(normal, x.isChannelsFirst ? [x.row.last] + row.dropLast() : row)
    return try graph.scaled(x.with(whole), weight, bias)
  }
}

extension InstanceNorm: BuiltInONNXLayer {
  /// `InstanceNormalization`.
  ///
  /// - Throws: ``LayerExportError`` where rows end, and ``TensorError`` before the model has an
  ///   arena or where there is no memory.
  package func onnx(_ x: ONNXValue, in graph: ONNXGraph) throws -> ONNXValue {
    try graph.requireWholeRows(x, self, ONNXGraph.statisticsEnd)
    let x = graph.channelsFirst(x)
    let inputs = [
      x.name, try weight.map { try graph.weight($0) } ?? graph.repeated(1, x.row.last),
      try bias.map { try graph.weight($0) } ?? graph.repeated(0, x.row.last),
    ]
    return x.with(graph.node("InstanceNormalization", inputs, ["epsilon": .float(options.eps)]))
  }
}

extension RMSNorm: BuiltInONNXLayer {
  /// The quotient by the root of the mean square.
  ///
  /// - Throws: ``TensorError`` before the model has an arena, or where there is no memory for
  ///   epsilon.
  package func onnx(_ x: ONNXValue, in graph: ONNXGraph) throws -> ONNXValue {
    let x = graph.channelsLast(x)
    let axes = Array(-normalizedShape.rank..<0)
    let square = graph.node("Mul", [x.name, x.name])
    let mean = graph.node("ReduceMean", [square], ["axes": .ints(axes), "keepdims": 1])
    let eps = try graph.constant([options.eps ?? Double(Float.ulpOfOne)])
    let root = graph.node("Sqrt", [graph.node("Add", [mean, eps])])
    let normal = graph.node("Div", [x.name, root])
    guard let weight else { return x.with(normal) }
    return x.with(graph.node("Mul", [normal, try graph.weight(weight)]))
  }
}
