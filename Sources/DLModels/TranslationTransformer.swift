import DLConfiguration
import DLLayers
import DLTensor

/// An encoder-decoder Transformer for translation with one vocabulary for both languages.
///
/// Vaswani et al. 2017, "Attention Is All You Need"; one table of tokens for the sources, the
/// targets and the logits (section 3.4), normalization first (Xiong et al. 2020) unless said
/// otherwise.
package struct TranslationTransformerOptions: ModelSpec {
  package static var name: String { "transformer" }
  /// Encoder layers, and as many decoder layers.
  package var layers = 3
  /// Features of a token.
  package var width = 256
  /// Heads, which divide the width.
  package var heads = 8
  /// Features between the two matrices of the feed-forward part.
  package var feedForward = 1024
  /// The probability of dropout, everywhere.
  package var dropout = 0.1
  /// True if normalizations come first.
  package var normFirst = true
  /// The share of the probability that goes to other tokens than the right one.
  package var labelSmoothing = 0.1
  /// The number of translations that are kept while one is written.
  package var beam = 4
  package init() {}

  package static var fields: [ConfigurationField<Self>] {
    [
      .init("layers", \.layers, .within(1...1024), "encoder layers, and as many decoder layers"),
      .init("width", \.width, .layerSize, "features of a token"),
      .init("heads", \.heads, .layerSize, "heads, which divide the width"),
      .init("feed_forward", \.feedForward, .layerSize, "features within the feed-forward part"),
      .init("dropout", \.dropout, .within(0..<1), "probability of dropout, everywhere"),
      .init("norm_first", \.normFirst, "whether normalizations come first"),
      .init(
        "label_smoothing", \.labelSmoothing, .within(0..<1),
        "probability given to other tokens than the right one"),
      .init("beam", \.beam, .within(1...256), "translations kept while one is written"),
    ]
  }

  package func problems() -> [ConfigurationProblem] { headProblems(width: width, heads: heads) }

  /// Makes the network for rows of tokens.
  ///
  /// - Throws: ``TensorError`` for rows that are not `[time]` tokens with classes.
  package func network(for input: Shape, classes: Int?) throws -> Module {
    TranslationTransformer(
      vocabulary: try ModelRegistry.requireTokens(Self.name, input, classes), self)
  }
}

/// The network of ``TranslationTransformerOptions``.
package final class TranslationTransformer: Module, SequenceToSequence {
  let tokens: Embedding
  let positions = SinusoidalPositions()
  private let dropout: Dropout
  let encoder: TransformerEncoder
  let decoder: TransformerDecoder
  let head: Linear
  let options: TranslationTransformerOptions

  /// The share of the probability that the training gives to other tokens than the right one.
  package var labelSmoothing: Double { options.labelSmoothing }
  /// The number of translations of a sentence that are kept while it is written.
  package var beam: Int { options.beam }

  /// Makes a network.
  package init(vocabulary: Int, _ options: TranslationTransformerOptions) {
    self.options = options
    let width = options.width
    let layer = TransformerOptions(
      heads: options.heads, feedForward: options.feedForward, dropout: options.dropout,
      normFirst: options.normFirst)
    tokens = Embedding(
      count: vocabulary, features: width,
      initializer: .normal(standardDeviation: 1 / Double(width).squareRoot()))
    dropout = Dropout(p: options.dropout)
    encoder = TransformerEncoder(layers: options.layers, features: width, layer)
    decoder = TransformerDecoder(layers: options.layers, features: width, layer)
    head = Linear(tiedTo: tokens.weight)
    super.init()
    for stack in [encoder.parameters(), decoder.parameters()] {
      for parameter in stack where parameter.shape.rank == 2 {
        parameter.initializer = .xavierUniform()
      }
    }
  }

  /// Reads sources into a memory.
  ///
  /// - Throws: ``TensorError`` for shapes that do not fit.
  package func encode(_ source: Tensor, lengths: Tensor) throws -> Tensor {
    try encoder(embed(source, offset: 0), mask: AttentionMask(lengths: lengths))
  }

  /// The logits behind every token of the targets.
  ///
  /// - Throws: ``TensorError`` for shapes that do not fit.
  package func decode(
    _ target: Tensor, memory: Tensor, lengths: Tensor, cache: (any DecodingCache)?
  ) throws -> Tensor {
    let cache = cache as? TransformerCache
    let embedded = try embed(target, offset: cache?.length ?? 0)
    return try head(
      decoder(
        embedded, memory: memory, memoryMask: AttentionMask(lengths: lengths), cache: cache))
  }

  /// An empty cache for decoding.
  package func makeCache() -> any DecodingCache { TransformerCache(layers: options.layers) }

  private func embed(_ text: Tensor, offset: Int) throws -> Tensor {
    let scale = Double(options.width).squareRoot()
    return try dropout(positions(tokens(text) * scale, offset: offset))
  }
}
