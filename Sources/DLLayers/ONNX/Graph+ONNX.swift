import DLFormats
import DLTensor

/// A graph that a network in ONNX is given: `features` `[nodes, features]` and `edges` `[edges, 2]`.
///
/// The adjacency is a dense matrix `[nodes, nodes]`, which any number of nodes and edges makes.
package struct ONNXGraphData {
  /// The features of each node over their sum, as training has them.
  package let features: String
  /// 1 where an edge joins two nodes, in either direction, and from each node to itself.
  fileprivate let adjacency: String

  /// Adds what makes the matrix of the inputs.
  ///
  /// - Throws: ``TensorError`` where there is no memory for a constant.
  package init(_ graph: ONNXGraph) throws {
    let one = try graph.constant([1])
    let sum = graph.node(
      "ReduceSum", ["features", graph.integers([1])], ["keepdims": 1])
    // A node without features keeps its zeros.
    features = graph.node("Div", ["features", graph.node("Max", [sum, one])])
    let count = graph.node("Shape", ["features"], ["start": 0, "end": 1])
    let there = graph.cast("edges", to: .int64)
    let back = graph.node("Gather", [there, graph.integers([1, 0])], ["axis": 1])
    let node = graph.axis("Unsqueeze", graph.places(alongAxis: 0, of: "features"), 1)
    let own = graph.node("Concat", [node, node], ["axis": 1])
    let places = graph.node("Concat", [there, back, own], ["axis": 0])
    let shape = graph.node("Concat", [count, count], ["axis": 0])
    let nothing = graph.node("ConstantOfShape", [shape])
    let ones = graph.node(
      "Expand", [one, graph.node("Shape", [places], ["start": 0, "end": 1])])
    adjacency = graph.node("ScatterND", [nothing, places, ones])
  }
}

extension ONNXGraph {
  /// The sum of each row, `[rows, 1]`.
  fileprivate func rowSums(_ matrix: String) -> String {
    node("ReduceSum", [matrix, integers([1])], ["keepdims": 1])
  }
}

extension GraphConvolution {
  /// `D^(-1/2) · A · D^(-1/2) · (x · weight) + bias`.
  ///
  /// - Throws: what making a constant throws.
  package func onnx(_ data: ONNXGraphData, _ x: String, in graph: ONNXGraph) throws -> String {
    let normal = graph.shared("normalized " + data.adjacency) {
      let degrees = graph.rowSums(data.adjacency)
      let products = graph.node(
        "MatMul", [degrees, graph.node("Transpose", [degrees], ["perm": [1, 0]])])
      return graph.node("Div", [data.adjacency, graph.node("Sqrt", [products])])
    }
    let projected = graph.node("MatMul", [x, try graph.weight(weight)])
    let y = graph.node("MatMul", [normal, projected])
    guard let bias else { return y }
    return graph.node("Add", [y, try graph.weight(bias)])
  }
}

extension GraphSAGE {
  /// The mean of the neighbors and the node itself, each by a matrix of its own.
  ///
  /// - Throws: what making a constant throws.
  package func onnx(_ data: ONNXGraphData, _ x: String, in graph: ONNXGraph) throws -> String {
    let means = try graph.shared("means " + data.adjacency) {
      let own = graph.node("EyeLike", [data.adjacency])
      let others = graph.node("Sub", [data.adjacency, own])
      let counts = graph.rowSums(others)
      let isAlone = graph.node("Equal", [counts, try graph.constant([0])])
      let seen = graph.node("Where", [isAlone, own, others])
      return graph.node("Div", [seen, graph.node("Max", [counts, try graph.constant([1])])])
    }
    let neighbors = try graph.linear(graph.node("MatMul", [means, x]), linL)
    return graph.node("Add", [neighbors, try graph.linear(x, linR)])
  }
}

extension GraphAttention {
  /// `Softmax` over the neighbors of each node, head by head, `[heads, nodes, nodes]`.
  ///
  /// - Throws: what making a constant throws.
  package func onnx(_ data: ONNXGraphData, _ x: String, in graph: ONNXGraph) throws -> String {
    let h = graph.reshape(try graph.linear(x, lin), [heads, output])
    // The part of a score that a node has, [heads, nodes].
    func part(_ weight: Parameter) throws -> String {
      let products = graph.node("Mul", [h, try graph.weight(weight)])
      let sums = graph.node("ReduceSum", [products, graph.integers([2])], ["keepdims": 0])
      return graph.node("Transpose", [sums], ["perm": [1, 0]])
    }
    let target = graph.axis("Unsqueeze", try part(attDst), 2)
    let source = graph.axis("Unsqueeze", try part(attSrc), 1)
    let scores = graph.node(
      "LeakyRelu", [graph.node("Add", [target, source])], ["alpha": .float(slope)])
    let mask = ONNXMask(name: graph.cast(data.adjacency, to: .bool))
    let perHead = graph.node("Transpose", [h], ["perm": [1, 0, 2]])
    let sums = graph.node("MatMul", [try graph.softmax(scores, mask), perHead])
    let together = graph.node("Transpose", [sums], ["perm": [1, 0, 2]])
    let y =
      switch combination {
      case .concatenated: graph.reshape(together, [heads * output])
      case .averaged: graph.node("ReduceMean", [together], ["axes": [1], "keepdims": 0])
      }
    guard let bias else { return y }
    return graph.node("Add", [y, try graph.weight(bias)])
  }
}
