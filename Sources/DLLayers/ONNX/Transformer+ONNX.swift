import DLFormats
import DLTensor

extension TransformerEncoderLayer: BuiltInONNXLayer {
  /// Self-attention and the feed-forward network, each with its residual connection.
  ///
  /// - Throws: ``TensorError`` for features of another number than the layer's, or where there is
  ///   no memory.
  package func onnx(_ x: ONNXValue, in graph: ONNXGraph) throws -> ONNXValue {
    try onnx(graph.channelsLast(x), in: graph) { try graph.add(selfAttn, to: $0) }
  }

  /// The layer over texts of any length, under a mask.
  ///
  /// - Throws: ``TensorError`` for features of another number than the layer's, or where there is
  ///   no memory.
  package func onnx(_ x: ONNXValue, mask: ONNXMask?, in graph: ONNXGraph) throws -> ONNXValue {
    try onnx(x, in: graph) { try selfAttn.onnx($0, mask: mask, in: graph) }
  }

  private func onnx(
    _ x: ONNXValue, in graph: ONNXGraph, attention: (ONNXValue) throws -> ONNXValue
  ) throws -> ONNXValue {
    let attended = try graph.residual(x, norm1, options, attention)
    return try graph.residual(attended, norm2, options) {
      try graph.feedForward($0, linear1, options, linear2)
    }
  }
}

extension TransformerEncoder: BuiltInONNXLayer {
  /// The layers one after the other.
  ///
  /// - Throws: ``TensorError`` for features of another number than the layers', or where there is
  ///   no memory.
  package func onnx(_ x: ONNXValue, in graph: ONNXGraph) throws -> ONNXValue {
    let y = try layers.reduce(x) { try graph.add($1, to: $0) }
    return try norm.map { try graph.add($0, to: y) } ?? y
  }

  /// The layers over texts of any length, under a mask.
  ///
  /// - Throws: ``TensorError`` for features of another number than the layers', or where there is
  ///   no memory.
  package func onnx(_ x: ONNXValue, mask: ONNXMask?, in graph: ONNXGraph) throws -> ONNXValue {
    let y = try layers.reduce(x) { try $1.onnx($0, mask: mask, in: graph) }
    return try norm.map { try graph.add($0, to: y) } ?? y
  }
}

extension TransformerDecoder {
  /// The layers over texts of any length with memories `[batch, any, features]`.
  ///
  /// - Throws: ``LayerExportError`` for options that have no such form.
  package func onnx(
    _ x: ONNXValue, memory: String, mask: ONNXMask?, memoryMask: ONNXMask?, in graph: ONNXGraph
  ) throws -> ONNXValue {
    let y = try layers.reduce(x) { x, layer in
      try layer.onnx(x, memory: memory, mask: mask, memoryMask: memoryMask, in: graph)
    }
    return try norm.map { try graph.add($0, to: y) } ?? y
  }
}

extension TransformerDecoderLayer {
  fileprivate func onnx(
    _ x: ONNXValue, memory: String, mask: ONNXMask?, memoryMask: ONNXMask?, in graph: ONNXGraph
  ) throws -> ONNXValue {
    let own = try graph.residual(x, norm1, options) {
      try selfAttn.onnx($0, mask: mask, in: graph)
    }
    let attended = try graph.residual(own, norm2, options) {
      try multiheadAttn.onnx($0, memory: memory, mask: memoryMask, in: graph)
    }
    return try graph.residual(attended, norm3, options) {
      try graph.feedForward($0, linear1, options, linear2)
    }
  }
}

extension ONNXGraph {
  /// `x + part(norm(x))` or `norm(x + part(x))`.
  fileprivate func residual(
    _ x: ONNXValue, _ norm: LayerNorm, _ options: TransformerOptions,
    _ part: (ONNXValue) throws -> ONNXValue
  ) throws -> ONNXValue {
    let branch = try part(options.normFirst ? add(norm, to: x) : x)
    var sum = x.with(node("Add", [x.name, branch.name]))
    sum.lengths = x.lengths
    return options.normFirst ? sum : try add(norm, to: sum)
  }

  /// Two matrices with an activation between them.
  fileprivate func feedForward(
    _ x: ONNXValue, _ first: Linear, _ options: TransformerOptions, _ second: Linear
  ) throws -> ONNXValue {
    let wide = try add(first, to: x)
    let active =
      switch options.activation {
      case .relu: node("Relu", [wide.name])
      case .gelu: try gelu(wide.name, .none)
      case .geluTanh: try gelu(wide.name, .tanh)
      }
    return try add(second, to: wide.with(active))
  }
}

extension SinusoidalPositions {
  /// `Add` of the first rows of a table, to texts `[batch, time, size]` of up to `limit` positions.
  ///
  /// - Throws: what making the table throws.
  package func onnx(_ x: ONNXValue, upTo limit: Int, in graph: ONNXGraph) throws -> ONNXValue {
    let size = x.row[1]
    let table = try graph.shared("positions \(limit) \(size)") {
      graph.constant(
        try Tensor.sinusoids(time: limit, size: size, context: graph.context), "positions")
    }
    let count = graph.node("Shape", [x.name], ["start": 1, "end": 2])
    let rows = graph.node(
      "Slice", [table, graph.integers([0]), count, graph.integers([0])])
    return x.with(graph.node("Add", [x.name, rows]))
  }
}

extension AdditiveAttention {
  /// The share of each key that each query takes, `[batch, time, keys]`, of queries and keys whose rows
  /// are `[any, features]`.
  ///
  /// - Throws: ``LayerExportError`` for options that have no such form.
  package func onnxWeights(
    _ query: ONNXValue, _ key: ONNXValue, mask: ONNXMask, in graph: ONNXGraph
  ) throws -> String {
    let queries = graph.axis("Unsqueeze", try graph.add(queryProj, to: query).name, 2)
    let keys = graph.axis("Unsqueeze", try graph.add(keyProj, to: key).name, 1)
    let features = graph.node("Tanh", [graph.node("Add", [queries, keys])])
    let scores = graph.node("MatMul", [features, try graph.transposed(score.weight)])
    return try graph.softmax(graph.axis("Squeeze", scores, -1), mask)
  }
}
