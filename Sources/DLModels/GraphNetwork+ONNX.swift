import DLLayers
import DLTensor

/// A network over the nodes of a graph that can be written as ONNX.
package protocol ONNXGraphNetwork: GraphNetwork {
  /// Adds the network, without its dropout; the name of the logits `[nodes, classes]`.
  ///
  /// - Throws: what making a constant throws.
  func onnx(_ data: ONNXGraphData, in graph: ONNXGraph) throws -> String
}

extension GCN: ONNXGraphNetwork {
  /// Two graph convolutions with a ReLU between them.
  ///
  /// - Throws: ``TensorError`` before the network has an arena, or where there is no memory for a
  ///   weight.
  package func onnx(_ data: ONNXGraphData, in graph: ONNXGraph) throws -> String {
    let hidden = graph.node("Relu", [try gc1.onnx(data, data.features, in: graph)])
    return try gc2.onnx(data, hidden, in: graph)
  }
}

extension GraphSAGENetwork: ONNXGraphNetwork {
  /// Two layers with a ReLU between them.
  ///
  /// - Throws: ``TensorError`` before the network has an arena, or where there is no memory for a
  ///   constant.
  package func onnx(_ data: ONNXGraphData, in graph: ONNXGraph) throws -> String {
    let hidden = graph.node("Relu", [try conv1.onnx(data, data.features, in: graph)])
    return try conv2.onnx(data, hidden, in: graph)
  }
}

extension GAT: ONNXGraphNetwork {
  /// Two layers of attention with an ELU between them.
  ///
  /// - Throws: ``TensorError`` before the network has an arena, or where there is no memory for a
  ///   constant.
  package func onnx(_ data: ONNXGraphData, in graph: ONNXGraph) throws -> String {
    let hidden = graph.node("Elu", [try conv1.onnx(data, data.features, in: graph)])
    return try conv2.onnx(data, hidden, in: graph)
  }
}

extension GIN: BuiltInONNXLayer {
  /// Sums over neighbors by `GatherND`, and over the nodes that are there.
  ///
  /// - Throws: ``TensorError`` before the network has an arena, or where there is no memory for a
  ///   constant.
  package func onnx(_ x: ONNXValue, in graph: ONNXGraph) throws -> ONNXValue {
    let width = x.row[1]
    func columns(_ range: Range<Int>) -> String {
      graph.node(
        "Slice",
        [
          graph.cast(x.name, to: .int64), graph.integers([range.lowerBound]),
          graph.integers([range.upperBound]), graph.integers([2]),
        ])
    }
    let kind = columns(0..<1)
    let isKind = graph.node("Equal", [kind, graph.integers(Array(1...max(kinds, 1)))])
    let isNode = graph.cast(
      graph.node("Greater", [kind, graph.integers([0], shape: [])]), to: .float32)
    let neighbors = graph.axis("Unsqueeze", columns(1..<max(width, 1)), 3)
    var states = ONNXValue(graph.cast(isKind, to: .float32), row: [slots, kinds])
    func output(_ index: Int) throws -> String {
      let nodes = graph.node("Mul", [states.name, isNode])
      let sums = graph.node("ReduceSum", [nodes, graph.integers([1])], ["keepdims": 0])
      return try graph.add(heads[index], to: ONNXValue(sums, row: [states.row[1]])).name
    }
    var logits = try output(0)
    for (index, layer) in layers.enumerated() {
      states = try layer.onnx(states, neighbors, in: graph)
      logits = graph.node("Add", [logits, try output(index + 1)])
    }
    return ONNXValue(logits, row: try outputShape(for: x.row))
  }
}

extension GINLayer {
  /// The layer for nodes in slots, `[batch, slots, features]`, with the slots of neighbors `[batch, slots,
  /// neighbors, 1]`, 0 for none.
  fileprivate func onnx(_ x: ONNXValue, _ neighbors: String, in graph: ONNXGraph) throws
    -> ONNXValue
  {
    // What is no neighbor is a row of zeros in front.
    let padded = graph.node("Pad", [x.name, graph.integers([0, 1, 0, 0, 0, 0])])
    let others = graph.node("GatherND", [padded, neighbors], ["batch_dims": 1])
    let sum = graph.node("ReduceSum", [others, graph.integers([2])], ["keepdims": 0])
    let own = graph.node(
      "Mul", [x.name, graph.node("Add", [try graph.weight(eps), try graph.constant([1])])])
    let mixed = x.with(graph.node("Add", [own, sum]))
    let normal = graph.channelsLast(try graph.add(norm, to: graph.add(mlp, to: mixed)))
    return normal.with(graph.node("Relu", [normal.name]))
  }
}
