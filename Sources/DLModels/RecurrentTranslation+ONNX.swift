import DLLayers
import DLTensor

extension RecurrentTranslation: ONNXTranslation {
  /// The encoder in both directions, the decoder from its ends, and what attention adds.
  ///
  /// - Throws: ``TensorError`` before the network has an arena, or where there is no memory for a
  ///   constant or the weights in ONNX's order.
  package func onnx(_ texts: ONNXTexts, in graph: ONNXGraph) throws -> [ONNXTexts.Output] {
    let width = options.width
    var sources = try graph.embedded(texts.source, tokens)
    sources.lengths = graph.axis("Squeeze", texts.lengths(of: texts.source, in: graph), 1)
    let read = try encoder.onnxSteps(sources, from: [], in: graph)
    let inputs = try graph.embedded(texts.target, tokens)
    let steps = try decoder.onnxSteps(inputs, from: firstStates(read.last, in: graph), in: graph)
    let states = ONNXValue(graph.batchFirst(steps.outputs), row: [1, width])
    guard let combine else { return [ONNXTexts.logits(try graph.add(head, to: states))] }

    let memory = ONNXValue(graph.batchFirst(read.outputs), row: [1, 2 * width])
    let weights = try weights(states, memory, texts, in: graph)
    let context = graph.node("MatMul", [weights, memory.name])
    let both = ONNXValue(
      graph.node("Concat", [context, states.name], ["axis": 2]), row: [1, 3 * width])
    let combined = try graph.add(combine, to: both)
    let logits = try graph.add(head, to: combined.with(graph.node("Tanh", [combined.name])))
    guard let copier else { return [ONNXTexts.logits(logits)] }
    let seen = ONNXValue(
      graph.node("Concat", [both.name, inputs.name], ["axis": 2]), row: [1, 4 * width])
    return [
      ONNXTexts.logits(
        logits.with(try copier.onnx(logits, weights, seen: seen, source: texts.source, in: graph)))
    ]
  }

  /// The first state of each layer of the decoder, `[1, batch, width]`, of those of both directions at
  /// their ends, `[2, batch, width]`.
  private func firstStates(_ ends: String, in graph: ONNXGraph) throws -> [String] {
    let (layers, width) = (options.layers, options.width)
    let final = graph.reshape(graph.batchFirst(ends), [2 * width])
    let bridged = try graph.add(bridge, to: ONNXValue(final, row: [2 * width]))
    let states = graph.node("Tanh", [bridged.name])
    let byLayer = graph.batchFirst(graph.reshape(states, [layers, width]))
    guard layers > 1 else { return [byLayer] }
    return graph.nodes("Split", [byLayer], [("axis", 0)], outputs: layers)
  }

  /// The share of each token of a source that each position takes, `[batch, target, source]`.
  private func weights(
    _ states: ONNXValue, _ memory: ONNXValue, _ texts: ONNXTexts, in graph: ONNXGraph
  ) throws -> String {
    let mask = texts.sourceMask(rank: 3, in: graph)
    if let additive { return try additive.onnxWeights(states, memory, mask: mask, in: graph) }
    guard let keys else { throw LayerExportError("ONNX", self, "it has no attention") }
    let turned = graph.node(
      "Transpose", [try graph.add(keys, to: memory).name], ["perm": [0, 2, 1]])
    let scores = graph.node("MatMul", [states.name, turned])
    guard options.attention == .relu else { return try graph.softmax(scores, mask) }
    let scale = try graph.constant([1 / Double(options.width).squareRoot()])
    let positive = graph.node("Relu", [graph.node("Mul", [scores, scale])])
    return graph.node("Mul", [positive, try texts.shares(in: graph)])
  }
}

extension CopyMechanism {
  /// The logarithm of the mixture, the weights of attention put at the tokens that they belong to.
  fileprivate func onnx(
    _ logits: ONNXValue, _ weights: String, seen: ONNXValue, source: String, in graph: ONNXGraph
  ) throws -> String {
    let token = graph.axis("Unsqueeze", graph.cast(source, to: .int64), 2)
    let isToken = graph.node("Equal", [token, graph.integers(Array(0..<logits.row.last))])
    let copied = graph.node("MatMul", [weights, graph.cast(isToken, to: .float32)])
    let share = graph.node("Sigmoid", [try graph.add(gate, to: seen).name])
    let told = graph.node(
      "Mul", [share, graph.node("Softmax", [logits.name], ["axis": -1])])
    let rest = graph.node("Sub", [try graph.constant([1]), share])
    let sum = graph.node("Add", [told, graph.node("Mul", [rest, copied])])
    return graph.node("Log", [graph.node("Add", [sum, try graph.constant([Self.least])])])
  }
}

extension ONNXGraph {
  /// The first two axes the other way round.
  fileprivate func batchFirst(_ name: String) -> String {
    node("Transpose", [name], ["perm": [1, 0, 2]])
  }
}
