import DLConfiguration
import DLLayers
import DLTensor

/// The language model of GPT-2, whose published weights load by their names.
///
/// Radford et al. 2019; 124,439,808 parameters by default with `vocabulary: 50257, positions: 1024`.
/// Parameters are named and laid out as in Hugging Face's `GPT2LMHeadModel`, whose `Conv1D` hold
/// weights as `[in, out]`. Weights start as in ``GPTOptions``.
package struct GPT2Options: ModelSpec {
  package static var name: String { "gpt2" }
  /// Tokens of the vocabulary; the data's unless given.
  package var vocabulary: Int?
  /// Rows of the table of positions; the data's window unless given.
  package var positions: Int?
  /// Transformer layers.
  package var layers = 12
  /// Features of a position.
  package var width = 768
  /// Heads, which divide the width.
  package var heads = 12
  /// The probability of dropout, everywhere.
  package var dropout = 0.1
  package init() {}

  package static var fields: [ConfigurationField<Self>] {
    [
      .init("vocabulary", \.vocabulary, .layerSize, "tokens; the data's unless given"),
      .init(
        "positions", \.positions, .layerSize,
        "rows of the table of positions; the data's window unless given"),
      .init("layers", \.layers, .within(1...1024), "Transformer layers"),
      .init("width", \.width, .layerSize, "features of a position"),
      .init("heads", \.heads, .layerSize, "heads, which divide the width"),
      .init("dropout", \.dropout, .within(0..<1), "probability of dropout, everywhere"),
    ]
  }

  package func problems() -> [ConfigurationProblem] { headProblems(width: width, heads: heads) }

  /// Makes the network for windows of `[time]` tokens.
  ///
  /// - Throws: ``TensorError`` for rows that are not `[time]` tokens with classes, or where
  ///   `vocabulary` or `positions` are fewer than the data need.
  package func network(for input: Shape, classes: Int?) throws -> Module {
    let tokens = try ModelRegistry.requireTokens(Self.name, input, classes)
    return GPT2(
      vocabulary: try ModelRegistry.size(Self.name, "vocabulary", vocabulary, tokens),
      positions: try ModelRegistry.size(Self.name, "positions", positions, input[0]), self)
  }
}

/// The network of `GPT2Options`: tokens `[batch, time]` to logits `[batch, time, vocabulary]`.
package final class GPT2: Module, WindowedLanguageModel {
  private let transformer: GPT2Stack
  private let lmHead: Linear
  let options: GPT2Options

  init(vocabulary: Int, positions: Int, _ options: GPT2Options) {
    self.options = options
    transformer = GPT2Stack(vocabulary: vocabulary, positions: positions, options)
    lmHead = Linear(tiedTo: transformer.wte.weight)
  }

  /// The longest text that it sees.
  package var contextLength: Int { transformer.wpe.weight.shape[0] }

  /// The Transformer layers.
  package var layerCount: Int { transformer.h.count }

  package func forward(_ x: Tensor) throws -> Tensor { try forward(x, cache: nil) }

  package func forward(_ x: Tensor, cache: TransformerCache?) throws -> Tensor {
    try lmHead(transformer.located { try transformer.forward(x, cache: cache) })
  }

  package func continuation(in context: Context) -> any DecodingSession {
    windowContinuation(in: context)
  }

  package var inputDomain: ValueDomain { transformer.wte.inputDomain }

  package func outputShape(for input: Shape) throws -> Shape {
    let embedded = try transformer.wte.outputShape(for: input)
    return try lmHead.outputShape(for: transformer.wpe.outputShape(for: embedded))
  }
}

/// Tokens, positions, layers and a last normalization.
///
/// Counterpart: `transformers.GPT2Model`.
private final class GPT2Stack: Module {
  let wte: Embedding
  let wpe: LearnedPositions
  let h: [GPT2Block]
  private let drop: Dropout
  private let lnF: LayerNorm

  init(vocabulary: Int, positions: Int, _ options: GPT2Options) {
    let small = Initializer.normal(standardDeviation: 0.02)
    wte = Embedding(count: vocabulary, features: options.width, initializer: small)
    wpe = LearnedPositions(length: positions, features: options.width, initializer: small)
    drop = Dropout(p: options.dropout)
    h = (0..<options.layers).map { _ in GPT2Block(options) }
    lnF = LayerNorm(features: options.width)
  }

  func forward(_ x: Tensor, cache: TransformerCache?) throws -> Tensor {
    var x = try drop(wpe(wte(x), offset: cache?.length ?? 0))
    for (index, block) in h.enumerated() {
      x = try block(x, cache: cache?.selfAttention[index])
    }
    return try lnF(x)
  }
}

/// Causal attention and a feed-forward network, each behind a normalization and with the input added.
///
/// Counterpart: `transformers.models.gpt2.modeling_gpt2.GPT2Block`.
private final class GPT2Block: Module {
  private let norm1: LayerNorm
  private let projections: Linear
  private let attention: DotProductAttention
  private let attentionEnd: Linear
  private let attentionDropout: Dropout
  private let norm2: LayerNorm
  private let feedForward: Linear
  private let activation = GELU(approximation: .tanh)
  private let feedForwardEnd: Linear
  private let feedForwardDropout: Dropout

  init(_ options: GPT2Options) {
    let width = options.width
    func linear(_ inputs: Int, _ outputs: Int, _ deviation: Double) -> Linear {
      let layer = Linear(inputFeatures: inputs, outputFeatures: outputs, layout: .transposed)
      layer.weight.initializer = .normal(standardDeviation: deviation)
      layer.bias?.initializer = .zeros
      return layer
    }
    let ending = 0.02 / Double(2 * options.layers).squareRoot()
    norm1 = LayerNorm(features: width)
    projections = linear(width, 3 * width, 0.02)
    attention = DotProductAttention(heads: options.heads, dropout: options.dropout, isCausal: true)
    attentionEnd = linear(width, width, ending)
    attentionDropout = Dropout(p: options.dropout)
    norm2 = LayerNorm(features: width)
    feedForward = linear(width, 4 * width, 0.02)
    feedForwardEnd = linear(4 * width, width, ending)
    feedForwardDropout = Dropout(p: options.dropout)
  }

  override var children: [(name: String, value: Any)] {
    [
      ("ln_1", norm1), ("attn.c_attn", projections), ("attn", attention),
      ("attn.c_proj", attentionEnd), ("attn.resid_dropout", attentionDropout), ("ln_2", norm2),
      ("mlp.c_fc", feedForward), ("mlp.act", activation), ("mlp.c_proj", feedForwardEnd),
      ("mlp.dropout", feedForwardDropout),
    ]
  }

  func callAsFunction(_ x: Tensor, cache: KeyValueCache?) throws -> Tensor {
    let attended = try attention(projections(norm1(x)), cache: cache)
    let x = try x + attentionDropout(attentionEnd(attended))
    return try x + feedForwardDropout(feedForwardEnd(feedForward(norm2(x), activation)))
  }
}

extension GPT2: ONNXLayer {
  /// The stack, and the table of tokens once more.
  ///
  /// - Throws: ``TensorError`` before the network has an arena, or where there is no memory for a
  ///   constant.
  package func onnx(_ x: ONNXValue, in graph: ONNXGraph) throws -> ONNXValue {
    try graph.add(lmHead, to: transformer.onnx(x, in: graph))
  }
}

extension GPT2Stack {
  fileprivate func onnx(_ x: ONNXValue, in graph: ONNXGraph) throws -> ONNXValue {
    let embedded = try graph.add(wpe, to: graph.add(wte, to: x))
    return try graph.add(lnF, to: h.reduce(embedded) { try $1.onnx($0, in: graph) })
  }
}

extension GPT2Block {
  fileprivate func onnx(_ x: ONNXValue, in graph: ONNXGraph) throws -> ONNXValue {
    let packed = try graph.add(projections, to: graph.add(norm1, to: x))
    let attended = try graph.add(attentionEnd, to: graph.add(attention, to: packed))
    let x = graph.sum(x, attended)
    let inner = try graph.add(feedForward, to: graph.add(norm2, to: x))
    return graph.sum(x, try graph.add(feedForwardEnd, to: graph.add(activation, to: inner)))
  }
}
