import DLFormats
import DLTensor

extension MultiHeadAttention: BuiltInONNXLayer {
  /// Self-attention by products and `Softmax`.
  ///
  /// - Throws: ``LayerExportError`` where keys or values have another size than queries, and
  ///   ``TensorError`` for features of another number than its own, for rotary positions wider than
  ///   a head, or where there is no memory.
  package func onnx(_ x: ONNXValue, in graph: ONNXGraph) throws -> ONNXValue {
    let x = graph.channelsLast(x)
    let (causal, window) = (options.scope.causal, options.scope.window)
    return try onnx(x, mask: graph.mask(x, isCausal: causal, window: window), in: graph)
  }

  /// Self-attention under a mask of any making.
  ///
  /// Without rotary positions it takes texts of any length.
  ///
  /// - Throws: ``LayerExportError`` where keys or values have another size than queries, and
  ///   ``TensorError`` for features of another number than its own, for rotary positions wider than
  ///   a head, or where there is no memory.
  package func onnx(_ x: ONNXValue, mask: ONNXMask?, in graph: ONNXGraph) throws -> ONNXValue {
    let (time, width) = (x.row[0], size / options.heads)
    var packed = graph.node("MatMul", [x.name, try graph.transposed(projections("ONNX"))])
    if let inProjBias { packed = graph.node("Add", [packed, try graph.weight(inProjBias)]) }
    // [batch, time, 3, heads, width] to three of [batch, heads, time, width].
    packed = graph.reshape(packed, [0, 3, options.heads, width])
    packed = graph.node("Transpose", [packed], ["perm": [2, 0, 3, 1, 4]])
    let parts = graph.nodes("Split", [packed], [("axis", 0)], outputs: 3).map {
      graph.axis("Squeeze", $0, 0)
    }
    let together = try graph.attention(
      try turned(parts[0], time, width, graph), try turned(parts[1], time, width, graph), parts[2],
      width: width, mask)
    return try graph.add(outProj, to: x.with(graph.reshape(together, [0, size])))
  }

  /// Attention to another text, the memory, of any length.
  ///
  /// - Throws: ``LayerExportError`` where keys or values have another size than queries, and
  ///   ``TensorError`` for features of another number than its own, or where there is no memory.
  package func onnx(_ x: ONNXValue, memory: String, mask: ONNXMask?, in graph: ONNXGraph) throws
    -> ONNXValue
  {
    let width = size / options.heads
    let weights = graph.nodes(
      "Split", [try graph.transposed(projections("ONNX"))], [("axis", 1)], outputs: 3)
    let biases = try inProjBias.map {
      graph.nodes("Split", [try graph.weight($0)], [("axis", 0)], outputs: 3)
    }
    let parts = [x.name, memory, memory].enumerated().map { part, text in
      var projected = graph.node("MatMul", [text, weights[part]])
      if let biases { projected = graph.node("Add", [projected, biases[part]]) }
      return graph.node(
        "Transpose", [graph.reshape(projected, [0, options.heads, width])],
        ["perm": [0, 2, 1, 3]])
    }
    let together = try graph.attention(parts[0], parts[1], parts[2], width: width, mask)
    return try graph.add(outProj, to: x.with(graph.reshape(together, [0, size])))
  }

  /// The weights of queries, keys and values.
  private func projections(_ format: String) throws -> Parameter {
    guard let inProjWeight else {
      throw LayerExportError(format, self, "its keys or values have another size than its queries")
    }
    return inProjWeight
  }

  /// Queries or keys `[batch, heads, time, width]`, turned by their position: `x · cos` and, of each
  /// feature's partner, `∓ sin`.
  private func turned(_ x: String, _ time: Int, _ width: Int, _ graph: ONNXGraph) throws -> String {
    let rotary = options.scope.rotary
    guard rotary.style != .none else { return x }
    let pairs = (rotary.width ?? width) / 2
    let isInterleaved = rotary.style == .interleaved
    let features = (0..<width).map { feature -> (partner: Int, isFirst: Bool) in
      guard feature < 2 * pairs else { return (feature, true) }
      let isFirst = isInterleaved ? feature.isMultiple(of: 2) : feature < pairs
      let step = isInterleaved ? 1 : pairs
      return (isFirst ? feature + step : feature - step, isFirst)
    }
    // What becomes of a pair (1, 0) is (cos, sin).
    let firsts = (0..<time).flatMap { _ in features.map { $0.isFirst ? 1.0 : 0 } }
    let table = try Tensor.values(
      firsts, shape: [1, time, 1, width], dtype: .float32, context: graph.context
    ).rotary(rotary).doubles
    func numbers(_ value: (Int, Int) -> Double) throws -> String {
      let values = (0..<time).flatMap { row in (0..<width).map { value(row * width, $0) } }
      return try graph.constant(values, shape: [time, width])
    }
    let cosines = try numbers { row, feature in
      table[row + (features[feature].isFirst ? feature : features[feature].partner)]
    }
    let sines = try numbers { row, feature in
      let (partner, isFirst) = features[feature]
      return partner == feature ? 0 : isFirst ? -table[row + partner] : table[row + feature]
    }
    let others = graph.node(
      "Gather", [x, graph.integers(features.map(\.partner))], ["axis": 3])
    return graph.node(
      "Add", [graph.node("Mul", [x, cosines]), graph.node("Mul", [others, sines])])
  }
}

extension SinusoidalPositions: BuiltInONNXLayer {
  /// `Add` of the table.
  ///
  /// - Throws: ``TensorError`` where there is no memory for the table.
  package func onnx(_ x: ONNXValue, in graph: ONNXGraph) throws -> ONNXValue {
    let x = graph.channelsLast(x)
    let table = try Tensor.sinusoids(time: x.row[0], size: x.row[1], context: graph.context)
    return x.with(graph.node("Add", [x.name, graph.constant(table, "positions")]))
  }
}

extension LearnedPositions: BuiltInONNXLayer {
  /// `Add` of the table's first rows.
  ///
  /// - Throws: ``TensorError`` before the model has an arena.
  package func onnx(_ x: ONNXValue, in graph: ONNXGraph) throws -> ONNXValue {
    let x = graph.channelsLast(x)
    var table = try graph.weight(weight)
    if x.row[0] < weight.shape[0] {
      table = graph.node(
        "Slice", [table, graph.integers([0]), graph.integers([x.row[0]]), graph.integers([0])])
    }
    return x.with(graph.node("Add", [x.name, table]))
  }
}

extension ONNXGraph {
  /// `softmax(q kᵀ / √width) v` of queries, keys and values `[batch, heads, time, width]`; `[batch, time,
  /// heads, width]`.
  fileprivate func attention(
    _ query: String, _ key: String, _ value: String, width: Int, _ mask: ONNXMask?
  ) throws -> String {
    let turned = node("Transpose", [key], ["perm": [0, 1, 3, 2]])
    let scale = try constant([1 / Double(width).squareRoot()])
    let scores = node("MatMul", [node("Mul", [query, scale]), turned])
    let heads = node("MatMul", [try softmax(scores, mask), value])
    return node("Transpose", [heads], ["perm": [0, 2, 1, 3]])
  }
}

extension DotProductAttention: BuiltInONNXLayer {
  /// Attention between the three parts of the features.
  ///
  /// - Throws: ``TensorError`` where there is no memory for its constants.
  package func onnx(_ x: ONNXValue, in graph: ONNXGraph) throws -> ONNXValue {
    let packed = graph.channelsLast(x)
    let parts = graph.nodes("Split", [packed.name], [("axis", -1)], outputs: 3)
    let row: Shape = [packed.row[0], packed.row[1] / 3]
    return try onnx(
      parts[0], parts[1], parts[2],
      for: ONNXValue(packed.name, row: row, lengths: x.lengths), in: graph)
  }

  /// Attention with queries, keys and values of their own for positions of the rows `x`.
  ///
  /// - Throws: ``TensorError`` where there is no memory for its constants.
  package func onnx(
    _ query: String, _ key: String, _ value: String, for x: ONNXValue, in graph: ONNXGraph
  ) throws -> ONNXValue {
    let size = x.row[1]
    func split(_ name: String) -> String {
      let parts = graph.reshape(name, [0, heads, size / heads])
      return graph.node("Transpose", [parts], ["perm": [0, 2, 1, 3]])
    }
    let together = try graph.attention(
      split(query), split(key), split(value), width: size / heads,
      graph.mask(x, isCausal: isCausal))
    return ONNXValue(graph.reshape(together, [0, size]), row: x.row, lengths: x.lengths)
  }
}
