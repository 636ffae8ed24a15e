import DLConfiguration
import DLLayers
import DLTensor

/// A Transformer that writes all tokens of a translation at once.
///
/// The encoder's mean says how long the translation is; the decoder, which sees later positions too,
/// starts from the encoder's states, spread over that length, and positions. Gu et al. 2018,
/// "Non-Autoregressive Neural Machine Translation", with lengths in the place of fertilities and
/// uniform copies of the encoder's states in that of its inputs. Learns best from the translations
/// of a teacher, which are less various than people's.
package struct NonAutoregressiveOptions: ModelSpec {
  package static var name: String { "nat" }

  /// The tokens that the decoder can start from.
  package enum Inputs: String, ConfigurationWord {
    /// The encoder's states, spread evenly, and positions.
    case copy
    /// Positions alone.
    case positions
  }

  /// Encoder layers, and as many decoder layers.
  package var layers = 3
  /// Features of a token.
  package var width = 256
  /// Heads, which divide the width.
  package var heads = 4
  /// Features between the two matrices of the feed-forward part.
  package var feedForward = 512
  /// The probability of dropout, everywhere.
  package var dropout = 0.1
  /// The tokens that the decoder starts from.
  package var inputs = Inputs.copy
  /// The largest number of tokens by which a translation is longer or shorter than its source.
  package var reach = 20
  /// The share of the probability that goes to other tokens than the right one.
  package var labelSmoothing = 0.1
  /// The number of lengths that are tried, of which the likeliest translation is kept.
  package var beam = 4

  package init() {}

  package static var fields: [ConfigurationField<Self>] {
    [
      .init("layers", \.layers, .within(1...1024), "encoder layers, and as many decoder layers"),
      .init("width", \.width, .layerSize, "features of a token"),
      .init("heads", \.heads, .layerSize, "heads, which divide the width"),
      .init("feed_forward", \.feedForward, .layerSize, "features within the feed-forward part"),
      .init("dropout", \.dropout, .within(0..<1), "probability of dropout, everywhere"),
      .init("inputs", \.inputs, "what the decoder starts from: copy or positions"),
      .init(
        "reach", \.reach, .within(0...1024),
        "how much longer or shorter than its source a translation may be"),
      .init(
        "label_smoothing", \.labelSmoothing, .within(0..<1),
        "probability given to other tokens than the right one"),
      .init("beam", \.beam, .within(1...256), "lengths that are tried"),
    ]
  }

  package func problems() -> [ConfigurationProblem] { headProblems(width: width, heads: heads) }

  /// Makes the network for rows of tokens.
  ///
  /// - Throws: ``TensorError`` for rows that are not `[time]` tokens with classes.
  package func network(for input: Shape, classes: Int?) throws -> Module {
    NonAutoregressiveTransformer(
      vocabulary: try ModelRegistry.requireTokens(Self.name, input, classes), self)
  }
}

/// The network of ``NonAutoregressiveOptions``.
package final class NonAutoregressiveTransformer: Module, NonAutoregressive {
  let tokens: Embedding
  let positions = SinusoidalPositions()
  private let dropout: Dropout
  let encoder: TransformerEncoder
  let decoder: TransformerDecoder
  let length: Linear
  let head: Linear
  let options: NonAutoregressiveOptions

  /// The share of the probability that the training gives to other tokens than the right one.
  package var labelSmoothing: Double { options.labelSmoothing }
  /// The number of lengths that are tried.
  package var beam: Int { options.beam }
  /// The largest number of tokens by which a translation is longer or shorter than its source.
  package var reach: Int { options.reach }

  /// Makes a network.
  package init(vocabulary: Int, _ options: NonAutoregressiveOptions) {
    self.options = options
    let width = options.width
    let layer = TransformerOptions(
      heads: options.heads, feedForward: options.feedForward, dropout: options.dropout,
      normFirst: true)
    tokens = Embedding(
      count: vocabulary, features: width,
      initializer: .normal(standardDeviation: 1 / Double(width).squareRoot()))
    dropout = Dropout(p: options.dropout)
    encoder = TransformerEncoder(layers: options.layers, features: width, layer)
    decoder = TransformerDecoder(
      layers: options.layers, features: width, layer, isCausal: false)
    length = Linear(inputFeatures: width, outputFeatures: 2 * options.reach + 1)
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
    let scale = Double(options.width).squareRoot()
    return try encoder(
      dropout(positions(tokens(source) * scale, offset: 0)), mask: AttentionMask(lengths: lengths))
  }

  /// The logits of all positions at once; of the targets only the places of padding count.
  ///
  /// - Throws: ``TensorError`` for shapes that do not fit.
  package func decode(
    _ target: Tensor, memory: Tensor, lengths: Tensor, cache: (any DecodingCache)?
  ) throws -> Tensor {
    let wanted = try target.lengths(padding: 0)
    let start = try starts(memory, lengths, wanted, target.shape[1])
    return try head(
      decoder(
        dropout(positions(start, offset: 0)), memory: memory, mask: AttentionMask(lengths: wanted),
        memoryMask: AttentionMask(lengths: lengths)))
  }

  /// Logits of how much longer than its source a translation is, from `-reach` to `reach`.
  ///
  /// - Throws: ``TensorError`` for shapes that do not fit.
  package func lengthLogits(_ memory: Tensor, lengths: Tensor) throws -> Tensor {
    let mean = try shares(lengths, memory.shape[1]).matmul(memory)
    return try length(mean.reshape([memory.shape[0], options.width]))
  }

  /// There is nothing to keep.
  package func makeCache() -> any DecodingCache { TransformerCache(layers: 0) }

  /// The inputs of each position at first, `[batch, time, width]`.
  private func starts(_ memory: Tensor, _ lengths: Tensor, _ wanted: Tensor, _ time: Int) throws
    -> Tensor
  {
    let (batch, width) = (memory.shape[0], options.width)
    guard options.inputs == .copy else {
      return try .zeros([batch, time, width], dtype: memory.dtype, context: memory.context)
    }
    let sources = zip(lengths.doubles, wanted.doubles).enumerated().flatMap { row, pair in
      let (source, target) = (max(Int(pair.0), 1), max(Int(pair.1), 1))
      return (0..<time).map { place in
        Int32(row * memory.shape[1] + min(place * source / target, source - 1))
      }
    }
    return try memory.reshape([batch * memory.shape[1], width])
      .indexSelect(0, .labels(sources, context: memory.context))
      .reshape([batch, time, width])
  }
}
