import DLFormats
import DLTensor

extension Embedding: BuiltInONNXLayer {
  /// `Gather`; where there is a token for padding, rows end before it.
  ///
  /// - Throws: ``TensorError`` for tokens of so many axes that none is left for the rows, or where
  ///   there is no memory for the table.
  package func onnx(_ x: ONNXValue, in graph: ONNXGraph) throws -> ONNXValue {
    var table = try graph.weight(weight)
    if let maxNorm = options.maxNorm {
      let scaled = try Tensor.concat([weight.value])
      try scaled.renormalizeRows(maxNorm: maxNorm, normType: options.normType)
      table = graph.constant(scaled, weight.name + ".scaled")
    }
    let rows = graph.node("Gather", [table, x.name], ["axis": 0])
    var y = ONNXValue(rows, row: try outputShape(for: x.row), lengths: x.lengths)
    if y.lengths == nil, let paddingIndex, x.row.rank == 1 {
      y.lengths = graph.lengths(of: x, padding: paddingIndex)
    }
    return y
  }
}

extension ONNXGraph {
  /// The length of each row of tokens: up to the last one that is not the token for padding.
  func lengths(of tokens: ONNXValue, padding: Int) -> String {
    shared("lengths \(padding) " + tokens.name) {
      let time = tokens.row[0]
      let places = integers(Array(1...max(time, 1)), shape: [1, time])
      let last = node("Mul", [counted(tokens, padding: padding), places])
      return node("ReduceMax", [last], ["axes": [1], "keepdims": 0])
    }
  }

  /// int64 1 where a token is not the one for padding, else 0.
  func counted(_ tokens: ONNXValue, padding: Int) -> String {
    let isPadding = node(
      "Equal", [cast(tokens.name, to: .int64), integers([padding], shape: [])])
    return cast(node("Not", [isPadding]), to: .int64)
  }
}

extension EmbeddingBag: BuiltInONNXLayer {
  /// `Gather` and the sum, mean or maximum over the tokens that count.
  ///
  /// - Throws: ``TensorError`` for tokens that are not `[length]`, before the model has an arena,
  ///   or where there is no memory for a constant.
  package func onnx(_ x: ONNXValue, in graph: ONNXGraph) throws -> ONNXValue {
    let row = try outputShape(for: x.row)
    let rows = graph.node("Gather", [try graph.weight(weight), x.name], ["axis": 0])
    func over(_ op: String, _ name: String) -> String {
      graph.node(op, [name], ["axes": [1], "keepdims": 0])
    }
    guard let paddingIndex else {
      let reduce = [.sum: "ReduceSum", .mean: "ReduceMean"][options.mode] ?? "ReduceMax"
      guard options.mode == .sum else { return ONNXValue(over(reduce, rows), row: row) }
      return ONNXValue(
        graph.node("ReduceSum", [rows, graph.integers([1])], ["keepdims": 0]), row: row)
    }
    let counts = graph.axis("Unsqueeze", graph.counted(x, padding: paddingIndex), 2)
    let number = graph.node("ReduceSum", [counts, graph.integers([1])], ["keepdims": 0])
    if options.mode == .max {
      let lowest = try graph.constant([-Double(Float.greatestFiniteMagnitude)])
      let filled = graph.node("Where", [graph.cast(counts, to: .bool), rows, lowest])
      let some = graph.cast(number, to: .bool)
      return ONNXValue(
        graph.node("Where", [some, over("ReduceMax", filled), try graph.constant([0])]), row: row)
    }
    let kept = graph.node("Mul", [rows, graph.cast(counts, to: .float32)])
    let sum = graph.node("ReduceSum", [kept, graph.integers([1])], ["keepdims": 0])
    guard options.mode == .mean else { return ONNXValue(sum, row: row) }
    let divisor = graph.node("Max", [number, graph.integers([1], shape: [])])
    return ONNXValue(graph.node("Div", [sum, graph.cast(divisor, to: .float32)]), row: row)
  }
}

extension OneHot: BuiltInONNXLayer {
  /// 1 where a class is the token.
  ///
  /// - Throws: ``TensorError`` for integers of so many axes that none is left for the classes.
  package func onnx(_ x: ONNXValue, in graph: ONNXGraph) throws -> ONNXValue {
    let token = graph.axis("Unsqueeze", graph.cast(x.name, to: .int64), -1)
    let isClass = graph.node("Equal", [token, graph.integers(Array(0..<classes))])
    return ONNXValue(graph.cast(isClass, to: .float32), row: try outputShape(for: x.row))
  }
}
