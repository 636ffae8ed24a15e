import DLFormats
import DLTensor

extension MultiHeadAttention: BuiltInONNXLayer {
  /// Self-attention by products and `Softmax`.
  package func onnx(_ x: ONNXValue, in graph: ONNXGraph) throws -> ONNXValue {
    guard let inProjWeight else {
      throw LayerExportError("ONNX", self, "its keys or values have another size than its queries")
    }
    let x = graph.channelsLast(x)
    let (time, width) = (x.row[0], size / options.heads)
    var packed = graph.node("MatMul", [x.name, try graph.transposed(inProjWeight)])
    if let inProjBias { packed = graph.node("Add", [packed, try graph.weight(inProjBias)]) }
    // [batch, time, 3, heads, width] to three of [batch, heads, time, width].
    packed = graph.reshape(packed, [time, 3, options.heads, width])
    packed = graph.node("Transpose", [packed], ["perm": [2, 0, 3, 1, 4]])
    let parts = graph.nodes("Split", [packed], [("axis", 0)], outputs: 3).map {
      graph.axis("Squeeze", $0, 0)
    }
    let together = try graph.attention(
      try turned(parts[0], time, width, graph), try turned(parts[1], time, width, graph), parts[2],
      width: width, for: x, isCausal: options.scope.causal, window: options.scope.window)
    return try graph.add(outProj, to: x.with(graph.reshape(together, [time, size])))
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

extension TransformerEncoderLayer: BuiltInONNXLayer {
  /// Self-attention and the feed-forward network, each with its residual connection.
  package func onnx(_ x: ONNXValue, in graph: ONNXGraph) throws -> ONNXValue {
    let x = graph.channelsLast(x)
    let attended = try residual(x, norm1, graph) { try graph.add(selfAttn, to: $0) }
    return try residual(attended, norm2, graph) { x in
      let wide = try graph.add(linear1, to: x)
      let active =
        switch options.activation {
        case .relu: graph.node("Relu", [wide.name])
        case .gelu: try graph.gelu(wide.name, .none)
        case .geluTanh: try graph.gelu(wide.name, .tanh)
        }
      return try graph.add(linear2, to: wide.with(active))
    }
  }

  private func residual(
    _ x: ONNXValue, _ norm: LayerNorm, _ graph: ONNXGraph, _ part: (ONNXValue) throws -> ONNXValue
  ) throws -> ONNXValue {
    let branch = try part(options.normFirst ? graph.add(norm, to: x) : x)
    var sum = x.with(graph.node("Add", [x.name, branch.name]))
    sum.lengths = x.lengths
    return options.normFirst ? sum : try graph.add(norm, to: sum)
  }
}

extension TransformerEncoder: BuiltInONNXLayer {
  /// The layers one after the other.
  package func onnx(_ x: ONNXValue, in graph: ONNXGraph) throws -> ONNXValue {
    let y = try layers.reduce(x) { try graph.add($1, to: $0) }
    return try norm.map { try graph.add($0, to: y) } ?? y
  }
}

extension SinusoidalPositions: BuiltInONNXLayer {
  /// `Add` of the table.
  package func onnx(_ x: ONNXValue, in graph: ONNXGraph) throws -> ONNXValue {
    let x = graph.channelsLast(x)
    let table = try Tensor.sinusoids(time: x.row[0], size: x.row[1], context: graph.context)
    return x.with(graph.node("Add", [x.name, graph.constant(table, "positions")]))
  }
}

extension LearnedPositions: BuiltInONNXLayer {
  /// `Add` of the table's first rows.
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
  /// `softmax(q kᵀ / √width) v` of queries, keys and values `[batch, heads, time, width]` for positions
  /// of the rows `x`; `[batch, time, heads, width]`.
  fileprivate func attention(
    _ query: String, _ key: String, _ value: String, width: Int, for x: ONNXValue, isCausal: Bool,
    window: Int? = nil
  ) throws -> String {
    let turned = node("Transpose", [key], ["perm": [0, 1, 3, 2]])
    let scale = try constant([1 / Double(width).squareRoot()])
    var scores = node("MatMul", [node("Mul", [query, scale]), turned])
    let mask = attentionMask(x, isCausal: isCausal, window: window)
    if let mask { scores = node("Where", [mask, scores, try constant([-1e30])]) }
    var weights = node("Softmax", [scores], ["axis": -1])
    // A query that may see no key gets zeros.
    if let mask, x.lengths != nil {
      weights = node("Where", [mask, weights, try constant([0])])
    }
    let heads = node("MatMul", [weights, value])
    return node("Transpose", [heads], ["perm": [0, 2, 1, 3]])
  }

  /// The keys that a query sees, bool, broadcast to `[batch, heads, queries, keys]`; nil for all.
  private func attentionMask(_ x: ONNXValue, isCausal: Bool, window: Int?) -> String? {
    let time = x.row[0]
    var masks: [String] = []
    func places(_ shape: [Int]) -> String { integers(Array(0..<time), shape: shape) }
    if isCausal {
      masks.append(
        shared("causal \(time)") {
          node("LessOrEqual", [places([1, time]), places([time, 1])])
        })
    }
    if let window {
      masks.append(
        shared("window \(window) \(time)") {
          let offsets = node("Sub", [places([time, 1]), places([1, time])])
          let distance = node("Abs", [offsets])
          return node("LessOrEqual", [distance, integers([window], shape: [])])
        })
    }
    if let lengths = x.lengths {
      masks.append(node("Unsqueeze", [valid(lengths, of: time), integers([1, 2])]))
    }
    return masks.dropFirst().reduce(masks.first) { both, mask in
      both.map { node("And", [$0, mask]) }
    }
  }
}

extension DotProductAttention: BuiltInONNXLayer {
  /// Attention between the three parts of the features.
  package func onnx(_ x: ONNXValue, in graph: ONNXGraph) throws -> ONNXValue {
    let packed = graph.channelsLast(x)
    let parts = graph.nodes("Split", [packed.name], [("axis", -1)], outputs: 3)
    let row: Shape = [packed.row[0], packed.row[1] / 3]
    return try onnx(
      parts[0], parts[1], parts[2],
      for: ONNXValue(packed.name, row: row, lengths: x.lengths), in: graph)
  }

  /// Attention with queries, keys and values of their own for positions of the rows `x`.
  package func onnx(
    _ query: String, _ key: String, _ value: String, for x: ONNXValue, in graph: ONNXGraph
  ) throws -> ONNXValue {
    let (time, size) = (x.row[0], x.row[1])
    func split(_ name: String) -> String {
      let parts = graph.reshape(name, [time, heads, size / heads])
      return graph.node("Transpose", [parts], ["perm": [0, 2, 1, 3]])
    }
    let together = try graph.attention(
      split(query), split(key), split(value), width: size / heads, for: x, isCausal: isCausal)
    return ONNXValue(graph.reshape(together, [time, size]), row: x.row, lengths: x.lengths)
  }
}
