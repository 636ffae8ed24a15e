import DLFormats
import DLTensor

extension RecurrentCell {
  /// ONNX's operator, its activations where they are not the default, and where in its order of gates
  /// each of PyTorch's stands.
  fileprivate var onnx: (op: String, activation: String?, gates: [Int]) {
    switch self {
    case .tanh: ("RNN", "Tanh", [0])
    case .relu: ("RNN", "Relu", [0])
    case .lstm: ("LSTM", nil, [0, 3, 1, 2])  // i, o, f, g of i, f, g, o
    case .gru: ("GRU", nil, [1, 0, 2])  // z, r, n of r, z, n
    }
  }
}

extension Recurrent: BuiltInONNXLayer {
  /// A node for each layer, over `[time, batch, features]`, rows ending at their lengths.
  ///
  /// - Throws: ``LayerExportError`` where time is the first axis, and ``TensorError`` for sequences
  ///   of other features, or where there is no memory for the weights.
  package func onnx(_ x: ONNXValue, in graph: ONNXGraph) throws -> ONNXValue {
    guard batchFirst else {
      throw LayerExportError("ONNX", self, "time is its first axis; use batchFirst")
    }
    let row = try outputShape(for: x.row)
    let (steps, last) = try onnxSteps(graph.channelsLast(x), from: [], in: graph)
    if options.returns == .last {
      let rows = graph.node("Transpose", [last], ["perm": [1, 0, 2]])
      return ONNXValue(graph.reshape(rows, [row.last]), row: row)
    }
    return ONNXValue(graph.node("Transpose", [steps], ["perm": [1, 0, 2]]), row: row)
  }

  /// The nodes over texts of any length `[batch, time, features]`.
  ///
  /// - Parameter states: the first hidden state of each layer, `[directions, batch, hidden]`; none for
  ///   zeros.
  /// - Returns: outputs `[time, batch, directions · hidden]`, and the last layer's hidden states at the
  ///   ends, `[directions, batch, hidden]`.
  /// - Throws: ``TensorError`` before the model has an arena, or where there is no memory for the
  ///   weights in ONNX's order.
  package func onnxSteps(_ x: ONNXValue, from states: [String], in graph: ONNXGraph) throws
    -> (outputs: String, last: String)
  {
    let (op, activation, _) = cell.onnx
    let (hidden, directions) = (options.hidden, parameters.first?.count ?? 1)
    var attributes: [(name: String, value: ONNXAttribute)] = [
      ("hidden_size", .int(hidden)),
      ("direction", directions == 2 ? "bidirectional" : "forward"),
    ]
    if let activation {
      attributes.append(("activations", .strings(.init(repeating: activation, count: directions))))
    }
    if cell == .gru { attributes.append(("linear_before_reset", 1)) }
    let lengths = x.lengths.map { graph.cast($0, to: .int32) } ?? ""
    var steps = graph.node("Transpose", [x.name], ["perm": [1, 0, 2]])
    var last = ""
    for (index, layer) in parameters.enumerated() {
      let bias =
        layer[0].biasIH == nil
        ? "" : try packed(layer, graph, "bias") { [$0.biasIH, $0.biasHH] }
      let inputs = [
        steps, try packed(layer, graph, "weight_ih") { [$0.weightIH] },
        try packed(layer, graph, "weight_hh") { [$0.weightHH] }, bias, lengths,
      ]
      let results = graph.nodes(
        op, inputs + (states.isEmpty ? [] : [states[index]]), attributes, outputs: 2)
      last = results[1]
      // [time, directions, batch, hidden] to [time, batch, directions · hidden].
      let together = graph.node("Transpose", [results[0]], ["perm": [0, 2, 1, 3]])
      steps = graph.node("Reshape", [together, graph.integers([0, 0, directions * hidden])])
    }
    return (steps, last)
  }

  /// Parameters of all directions of a layer, the gates in ONNX's order: `[directions, gates · hidden,
  /// ...]`, or biases of both kinds one behind the other.
  private func packed(
    _ layer: [RecurrentParameters], _ graph: ONNXGraph, _ name: String,
    _ parts: (RecurrentParameters) -> [Parameter?]
  ) throws -> String {
    let hidden = options.hidden
    let order = cell.onnx.gates
    var name = name
    let rows = try layer.flatMap { direction in
      try parts(direction).compactMap { $0 }.flatMap { parameter -> [Tensor] in
        if direction.weightIH === layer[0].weightIH { name = parameter.name }
        return try order.map { gate in
          try parameter.value.rows(gate * hidden..<(gate + 1) * hidden)
        }
      }
    }
    let all = try Tensor.concat(rows)
    let shape = [layer.count, all.shape[0] / layer.count] + all.shape.dimensions.dropFirst()
    return graph.constant(try all.reshape(Shape(shape)), name + ".onnx")
  }
}
