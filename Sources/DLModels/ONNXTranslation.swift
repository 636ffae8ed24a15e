import DLLayers
import DLTensor

/// A model that translates and can be written as ONNX: encoder and decoder with the beginnings of
/// targets given.
package protocol ONNXTranslation: SequenceToSequence {
  /// Adds the network, without its dropout.
  ///
  /// - Returns: what comes out. The logits behind each token of the targets are `output`.
  /// - Throws: what making a constant throws, and `LayerExportError`.
  func onnx(_ texts: ONNXTexts, in graph: ONNXGraph) throws -> [ONNXTexts.Output]
}

/// The texts that a translation in ONNX is given: `source` and `target`, int32 `[batch, time]`, of any
/// number and length, filled up behind their ends.
package struct ONNXTexts {
  /// Something that comes out, float32: its name, the sizes of its axes behind the batch's, nil for
  /// that of the targets, and its value.
  package typealias Output = (name: String, sizes: [Int?], value: String)

  /// The name of sources.
  let source = "source"
  /// The name of targets, each up to the token whose next one is asked for.
  let target = "target"
  /// The token that fills texts up.
  let padding: Int
  /// The most tokens of a text.
  let limit: Int

  /// Says how texts are filled up, and how long they may be.
  package init(padding: Int, limit: Int) {
    self.padding = padding
    self.limit = limit
  }

  /// The length of each source or target, int64 `[batch, 1]`.
  func lengths(of text: String, in graph: ONNXGraph) -> String {
    graph.lengths(ofTexts: text, padding: padding)
  }

  /// The tokens of sources, as a mask over scores of `rank` axes.
  func sourceMask(rank: Int, in graph: ONNXGraph) -> ONNXMask {
    graph.mask(lengths: lengths(of: source, in: graph), ofTexts: source, rank: rank)
  }

  /// One over the length where a source has tokens, else 0; `[batch, 1, time]`.
  func shares(in graph: ONNXGraph) throws -> String {
    let lengths = graph.cast(lengths(of: source, in: graph), to: .float32)
    let share = graph.node("Div", [try graph.constant([1]), lengths])
    let mask = sourceMask(rank: 3, in: graph)
    return graph.node(
      "Where", [mask.name, graph.axis("Unsqueeze", share, 1), try graph.constant([0])])
  }

  /// The logits.
  static func logits(_ y: ONNXValue) -> Output {
    ("output", [nil, y.row.last], y.name)
  }
}

extension ONNXGraph {
  /// The vectors of texts, whose rows are `[any, width]`.
  func embedded(_ text: String, _ tokens: Embedding, times factor: Double? = nil) throws
    -> ONNXValue
  {
    let rows = try add(tokens, to: ONNXValue(text, row: [1]))
    guard let factor else { return rows }
    return rows.with(node("Mul", [rows.name, try constant([factor])]))
  }
}

extension TranslationTransformer: ONNXTranslation {
  /// The encoder over sources, and the decoder over targets.
  ///
  /// - Throws: ``TensorError`` before the network has an arena, or where there is no memory for a
  ///   constant or the table of positions.
  package func onnx(_ texts: ONNXTexts, in graph: ONNXGraph) throws -> [ONNXTexts.Output] {
    let scale = Double(options.width).squareRoot()
    func embed(_ text: String) throws -> ONNXValue {
      try positions.onnx(
        graph.embedded(text, tokens, times: scale), upTo: texts.limit, in: graph)
    }
    let mask = texts.sourceMask(rank: 4, in: graph)
    let memory = try encoder.onnx(embed(texts.source), mask: mask, in: graph)
    let states = try decoder.onnx(
      embed(texts.target), memory: memory.name, mask: graph.causalMask(ofTexts: texts.target),
      memoryMask: mask, in: graph)
    return [ONNXTexts.logits(try graph.add(head, to: states))]
  }
}

extension NonAutoregressiveTransformer: ONNXTranslation {
  /// The encoder over sources, and the decoder over as many positions as targets have tokens.
  ///
  /// Which tokens those are does not count. A second output, `length`, says how many there should be.
  ///
  /// - Throws: ``TensorError`` before the network has an arena, or where there is no memory for a
  ///   constant or the table of positions.
  package func onnx(_ texts: ONNXTexts, in graph: ONNXGraph) throws -> [ONNXTexts.Output] {
    let scale = Double(options.width).squareRoot()
    let mask = texts.sourceMask(rank: 4, in: graph)
    let sources = try positions.onnx(
      graph.embedded(texts.source, tokens, times: scale), upTo: texts.limit, in: graph)
    let memory = try encoder.onnx(sources, mask: mask, in: graph).name
    let wanted = texts.lengths(of: texts.target, in: graph)
    let starts = ONNXValue(
      try starts(memory, texts, wanted, in: graph), row: [1, options.width])
    let states = try decoder.onnx(
      positions.onnx(starts, upTo: texts.limit, in: graph), memory: memory,
      mask: graph.mask(lengths: wanted, ofTexts: texts.target, rank: 4), memoryMask: mask,
      in: graph)
    let mean = graph.node("MatMul", [try texts.shares(in: graph), memory])
    let row: Shape = [options.width]
    let longer = try graph.add(
      length, to: ONNXValue(graph.axis("Squeeze", mean, 1), row: row))
    return [
      ONNXTexts.logits(try graph.add(head, to: states)),
      ("length", [longer.row.last], longer.name),
    ]
  }

  /// The values at each position at first, `[batch, time, width]`.
  private func starts(
    _ memory: String, _ texts: ONNXTexts, _ wanted: String, in graph: ONNXGraph
  ) throws -> String {
    guard options.inputs == .copy else {
      let shape = graph.node("Shape", [texts.target])
      let whole = graph.node("Concat", [shape, graph.integers([options.width])], ["axis": 0])
      return graph.node("Expand", [try graph.constant([0]), whole])
    }
    let one = graph.integers([1], shape: [])
    let source = graph.node("Max", [texts.lengths(of: texts.source, in: graph), one])
    let places = graph.places(alongAxis: 1, of: texts.target)
    let spread = graph.node(
      "Div", [graph.node("Mul", [places, source]), graph.node("Max", [wanted, one])])
    let chosen = graph.node("Min", [spread, graph.node("Sub", [source, one])])
    return graph.node(
      "GatherND", [memory, graph.axis("Unsqueeze", chosen, 2)], ["batch_dims": 1])
  }
}
