import DLConfiguration
import DLLayers
import DLTensor

/// The encoder of BERT, whose published weights load by their names, with one of three heads.
///
/// Devlin et al. 2019; 109,482,240 parameters by default with `vocabulary: 30522, positions: 512`,
/// the head apart. Parameters are named as in Hugging Face's `BertForSequenceClassification`,
/// `BertForTokenClassification` and `BertForMaskedLM`. All tokens are of the first segment.
package struct BERTBaseOptions: ModelSpec {
  package static var name: String { "bert_base" }

  /// The tasks that it can learn.
  package enum Head: String, ConfigurationWord {
    /// The classes of texts, from the state of the first token.
    case classify
    /// The classes of tokens.
    case tag
    /// The tokens that are hidden.
    case masked
  }

  /// The task that it learns.
  package var head = Head.classify
  /// Tokens of the vocabulary; with `masked` the data's unless given.
  package var vocabulary: Int?
  /// Rows of the table of positions; the data's length unless given.
  package var positions: Int?
  /// The token that fills rows up; none unless given.
  package var paddingIdx: Int?
  /// The token that stands for a hidden one.
  package var maskToken: Int?
  /// Transformer layers.
  package var layers = 12
  /// Features of a position.
  package var width = 768
  /// Heads, which divide the width.
  package var heads = 12
  /// Features between the two matrices of the feed-forward part; four times the width unless given.
  package var feedForward: Int?
  /// The probability of dropout, everywhere.
  package var dropout = 0.1
  /// The share of tokens that are asked for.
  package var maskShare = 0.15
  package init() {}

  package static var fields: [ConfigurationField<Self>] {
    [
      .init(
        "head", \.head, "classify: the class of a text; tag: those of tokens; masked: hidden tokens"
      ),
      .init(
        "vocabulary", \.vocabulary, .layerSize, "tokens; needed unless the head is masked"),
      .init(
        "positions", \.positions, .layerSize,
        "rows of the table of positions; the data's length unless given"),
      .init(
        "padding_idx", \.paddingIdx, .atLeast(0), "token that fills rows up; none unless given"),
      .init(
        "mask_token", \.maskToken, .atLeast(0),
        "token for hidden ones; needed if the head is masked"),
      .init("layers", \.layers, .within(1...1024), "Transformer layers"),
      .init("width", \.width, .layerSize, "features of a position"),
      .init("heads", \.heads, .layerSize, "heads, which divide the width"),
      .init(
        "feed_forward", \.feedForward, .layerSize,
        "features within the feed-forward part; four times the width unless given"),
      .init("dropout", \.dropout, .within(0..<1), "probability of dropout, everywhere"),
      .init("mask_share", \.maskShare, .within(0.001...0.9), "share of tokens that are asked for"),
    ]
  }

  package func problems() -> [ConfigurationProblem] {
    var problems = headProblems(width: width, heads: heads)
    if head == .masked, maskToken == nil {
      problems.append(.init("mask_token", message: "is needed with head: masked"))
    }
    if head != .masked, vocabulary == nil {
      problems.append(
        .init("vocabulary", message: "the number of tokens is needed with head: \(head.rawValue)"))
    }
    for (key, token) in [("padding_idx", paddingIdx), ("mask_token", maskToken)] {
      guard let vocabulary, let token, token >= vocabulary else { continue }
      let message = "\(token) is no token of \(vocabulary)"
      problems.append(.init(key, "vocabulary", message: message))
    }
    return problems
  }

  /// Makes the network for rows of `[time]` tokens.
  ///
  /// - Throws: ``TensorError`` for rows that are not `[time]` tokens with classes, tables smaller
  ///   than the data need, or a token outside the vocabulary.
  package func network(for input: Shape, classes: Int?) throws -> Module {
    let classes = try ModelRegistry.requireTokens(Self.name, input, classes)
    let least = head == .masked ? classes : 1
    let vocabulary = try ModelRegistry.size(Self.name, "vocabulary", vocabulary, least)
    for token in [paddingIdx, maskToken].compactMap(\.self) where token >= vocabulary {
      throw TensorError(op: Self.name, "\(token) is no token of \(vocabulary)")
    }
    return BERTBase(
      vocabulary: vocabulary,
      positions: try ModelRegistry.size(Self.name, "positions", positions, input[0]),
      classes: classes, self)
  }
}

/// The network of `BERTBaseOptions`: tokens `[batch, time]` to `[batch, classes]`,
/// `[batch, time, classes]` or `[batch, time, vocabulary]`.
package final class BERTBase: Module, MaskedLanguageModel {
  private let embeddings: BERTEmbeddings
  private let layers: [BERTLayer]
  private let pooler: Linear?
  private let dropout: Dropout
  let classifier: Linear?
  private let masked: MaskedHead?
  let options: BERTBaseOptions
  /// Rows of the table of positions.
  let positions: Int
  /// The number of tokens.
  package let vocabulary: Int
  /// The share of tokens that are asked for; nil where it learns classes.
  package let maskShare: Double?
  /// The token that stands for a hidden one.
  package let maskToken: Int32

  init(vocabulary: Int, positions: Int, classes: Int, _ options: BERTBaseOptions) {
    let width = options.width
    (self.vocabulary, self.positions, self.options) = (vocabulary, positions, options)
    maskShare = options.head == .masked ? options.maskShare : nil
    maskToken = Int32(clamping: options.maskToken ?? 0)
    embeddings = BERTEmbeddings(vocabulary: vocabulary, positions: positions, options)
    layers = (0..<options.layers).map { _ in BERTLayer(options) }
    pooler = options.head == .classify ? .bert(width, width) : nil
    dropout = Dropout(p: options.dropout)
    classifier = options.head == .masked ? nil : .bert(width, classes)
    masked = options.head == .masked ? MaskedHead(width, embeddings.words.weight) : nil
  }

  package override var children: [(name: String, value: Any)] {
    [("bert.embeddings", embeddings)]
      + layers.enumerated().map { ("bert.encoder.layer.\($0)", $1) }
      + (pooler.map { [("bert.pooler.dense", $0)] } ?? [])
      + [("dropout", dropout)]
      + (classifier.map { [("classifier", $0)] } ?? [])
      + (masked.map { [("cls.predictions", $0)] } ?? [])
  }

  package func forward(_ x: Tensor) throws -> Tensor {
    let states = try layers.reduce(embeddings(x)) { try $1($0) }
    if let masked { return try masked(states) }
    guard let classifier else { return states }
    guard let pooler else { return try classifier(dropout(states)) }
    return try classifier(dropout(pooler(states.select(1, 0)).tanh()))
  }

  package var inputDomain: ValueDomain { embeddings.words.inputDomain }

  package var inputPadding: Int32? { embeddings.words.inputPadding }

  package func outputShape(for input: Shape) throws -> Shape {
    let states = try layers.reduce(embeddings.outputShape(for: input)) {
      try $1.outputShape(for: $0)
    }
    if let masked { return try masked.outputShape(for: states) }
    let features: Shape = pooler == nil ? states : [states[1]]
    return try classifier?.outputShape(for: features) ?? states
  }
}

/// Tokens, positions and the first segment's vector, normalized: Hugging Face's `BertEmbeddings`.
private final class BERTEmbeddings: Module, Layer {
  let words: Embedding
  private let positions: LearnedPositions
  private let segments: Parameter
  private let norm: LayerNorm
  private let dropout: Dropout

  init(vocabulary: Int, positions count: Int, _ options: BERTBaseOptions) {
    let small = Initializer.normal(standardDeviation: 0.02)
    words = Embedding(
      count: vocabulary, features: options.width, paddingIndex: options.paddingIdx,
      initializer: small)
    positions = LearnedPositions(length: count, features: options.width, initializer: small)
    segments = Parameter([2, options.width], initializer: small)
    norm = LayerNorm(features: options.width, eps: 1e-12)
    dropout = Dropout(p: options.dropout)
  }

  override var children: [(name: String, value: Any)] {
    [
      ("word_embeddings", words), ("position_embeddings", positions),
      ("token_type_embeddings.weight", segments), ("LayerNorm", norm), ("dropout", dropout),
    ]
  }

  func forward(_ x: Tensor) throws -> Tensor {
    let sum = try positions(words(x)) + segments.value.rows(0..<1)
    sum.lengths = x.lengths
    return try dropout(norm(sum))
  }

  func multiplyAdds(input: Shape, output: Shape) -> Int { 0 }

  func outputShape(for input: Shape) throws -> Shape {
    try positions.outputShape(for: words.outputShape(for: input))
  }
}

/// Attention and a feed-forward network, each with the input added and a normalization behind:
/// Hugging Face's `BertLayer`.
private final class BERTLayer: Module, Layer {
  private let query: Linear
  private let key: Linear
  private let value: Linear
  private let attention: DotProductAttention
  private let attentionEnd: Linear
  private let attentionDropout: Dropout
  private let norm1: LayerNorm
  private let feedForward: Linear
  private let activation = GELU()
  private let feedForwardEnd: Linear
  private let feedForwardDropout: Dropout
  private let norm2: LayerNorm

  init(_ options: BERTBaseOptions) {
    let width = options.width
    let inner = options.feedForward ?? 4 * width
    (query, key, value) = (.bert(width, width), .bert(width, width), .bert(width, width))
    attention = DotProductAttention(heads: options.heads, dropout: options.dropout)
    attentionEnd = .bert(width, width)
    attentionDropout = Dropout(p: options.dropout)
    norm1 = LayerNorm(features: width, eps: 1e-12)
    feedForward = .bert(width, inner)
    feedForwardEnd = .bert(inner, width)
    feedForwardDropout = Dropout(p: options.dropout)
    norm2 = LayerNorm(features: width, eps: 1e-12)
  }

  override var children: [(name: String, value: Any)] {
    [
      ("attention.self.query", query), ("attention.self.key", key),
      ("attention.self.value", value), ("attention.self", attention),
      ("attention.output.dense", attentionEnd), ("attention.output.LayerNorm", norm1),
      ("attention.output.dropout", attentionDropout), ("intermediate.dense", feedForward),
      ("intermediate.act", activation), ("output.dense", feedForwardEnd),
      ("output.LayerNorm", norm2), ("output.dropout", feedForwardDropout),
    ]
  }

  func forward(_ x: Tensor) throws -> Tensor {
    let attended = try attentionDropout(attentionEnd(attention(query(x), key(x), value(x))))
    let middle = try norm1(x + attended)
    let inner = try feedForwardEnd(activation(feedForward(middle)))
    return try norm2(middle + feedForwardDropout(inner))
  }

  func outputShape(for input: Shape) throws -> Shape { try query.outputShape(for: input) }
}

/// A layer, and the table of words as the logits' weight: Hugging Face's `BertLMPredictionHead`.
private final class MaskedHead: Module, Layer {
  private let bias: Parameter
  private let dense: Linear
  private let activation = GELU()
  private let norm: LayerNorm
  private let words: Parameter

  init(_ width: Int, _ words: Parameter) {
    bias = Parameter([words.shape[0]], initializer: .zeros)
    dense = .bert(width, width)
    norm = LayerNorm(features: width, eps: 1e-12)
    self.words = words
  }

  override var children: [(name: String, value: Any)] {
    [
      ("bias", bias), ("transform.dense", dense), ("transform.act", activation),
      ("transform.LayerNorm", norm), ("decoder.weight", words), ("decoder.bias", bias),
    ]
  }

  func forward(_ x: Tensor) throws -> Tensor {
    try norm(activation(dense(x))).linear(words.value, bias: bias.value)
  }

  func outputShape(for input: Shape) throws -> Shape {
    var output = try dense.outputShape(for: input)
    output[-1] = words.shape[0]
    return output
  }
}

extension Linear {
  /// A layer that starts as BERT's do.
  fileprivate static func bert(_ inputs: Int, _ outputs: Int) -> Linear {
    let layer = Linear(inputFeatures: inputs, outputFeatures: outputs)
    layer.weight.initializer = .normal(standardDeviation: 0.02)
    layer.bias?.initializer = .zeros
    return layer
  }
}

extension BERTBase: ONNXLayer {
  /// The embeddings, the layers, and the head.
  ///
  /// - Throws: ``TensorError`` before the network has an arena, or where memory runs out.
  package func onnx(_ x: ONNXValue, in graph: ONNXGraph) throws -> ONNXValue {
    let states = try layers.reduce(graph.add(embeddings, to: x)) { try graph.add($1, to: $0) }
    if let masked { return try graph.add(masked, to: states) }
    guard let classifier else { return states }
    guard let pooler else { return try graph.add(classifier, to: states) }
    let pooled = try graph.add(pooler, to: graph.position(0, of: states))
    return try graph.add(classifier, to: pooled.with(graph.node("Tanh", [pooled.name])))
  }
}

extension BERTEmbeddings: ONNXLayer {
  func onnx(_ x: ONNXValue, in graph: ONNXGraph) throws -> ONNXValue {
    let placed = try graph.add(positions, to: graph.add(words, to: x))
    let first = graph.node(
      "Slice",
      [
        try graph.weight(segments), graph.integers([0]), graph.integers([1]), graph.integers([0]),
      ])
    var sum = placed.with(graph.node("Add", [placed.name, first]))
    sum.lengths = placed.lengths
    return try graph.add(norm, to: sum)
  }
}

extension BERTLayer: ONNXLayer {
  func onnx(_ x: ONNXValue, in graph: ONNXGraph) throws -> ONNXValue {
    let parts = try [query, key, value].map { try graph.add($0, to: x).name }
    let attended = try attention.onnx(parts[0], parts[1], parts[2], for: x, in: graph)
    let ended = try graph.add(attentionEnd, to: attended)
    let middle = try graph.add(norm1, to: graph.sum(x, ended))
    let inner = try graph.add(activation, to: graph.add(feedForward, to: middle))
    return try graph.add(norm2, to: graph.sum(middle, graph.add(feedForwardEnd, to: inner)))
  }
}

extension MaskedHead: ONNXLayer {
  func onnx(_ x: ONNXValue, in graph: ONNXGraph) throws -> ONNXValue {
    let inner = try graph.add(norm, to: graph.add(activation, to: graph.add(dense, to: x)))
    let product = graph.node("MatMul", [inner.name, try graph.transposed(words)])
    let row: Shape = [inner.row[0], words.shape[0]]
    return inner.with(graph.node("Add", [product, try graph.weight(bias)]), row: row)
  }
}
