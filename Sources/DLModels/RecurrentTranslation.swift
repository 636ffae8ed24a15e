import DLConfiguration
import DLLayers
import DLTensor

/// A recurrent encoder and decoder for translation, with or without attention.
///
/// Without it all that the decoder knows of a source is its first state (Sutskever et al. 2014; Cho et
/// al. 2014); with it the decoder's states look at the encoder's (Bahdanau et al. 2015), behind the
/// recurrence, as in Luong et al. 2015, section 3.1.
package struct RecurrentTranslationOptions: ModelSpec {
  package static var name: String { "seq2seq" }

  /// How a state of the decoder scores those of the encoder.
  package enum Attention: String, ConfigurationWord {
    /// It does not.
    case none
    /// By a small network: `w · tanh(W_q q + W_k k)`.
    case additive
    /// By a product: `q · W k`.
    case dot
  }

  /// Features of a token and of the decoder's states.
  package var width = 256
  /// Layers of the decoder, and of the encoder.
  package var layers = 1
  /// Whether cells are those of a GRU or of an LSTM.
  package var cell = Cell.gru
  /// How the decoder looks at the source.
  package var attention = Attention.dot
  /// The probability of dropout around the recurrent layers and between them.
  package var dropout = 0.2
  /// The share of the probability that goes to other tokens than the right one.
  package var labelSmoothing = 0.0
  /// The number of translations that are kept while one is written.
  package var beam = 4
  /// The probability, in the end, to train the decoder on its own choice in place of the right token.
  package var sampling = 0.0
  /// Steps over which that probability grows from 0, evenly.
  package var samplingSteps = 0

  /// The cells that there are.
  package enum Cell: String, ConfigurationWord {
    /// Gated recurrent units.
    case gru
    /// Long short-term memory.
    case lstm
  }

  package init() {}

  package static var fields: [ConfigurationField<Self>] {
    [
      .init("width", \.width, .layerSize, "features of a token and of the decoder's states"),
      .init("layers", \.layers, .within(1...16), "layers of the decoder, and of the encoder"),
      .init("cell", \.cell, "gru or lstm"),
      .init("attention", \.attention, "how the decoder looks at the source: none, additive or dot"),
      .init("dropout", \.dropout, .within(0..<1), "probability of dropout"),
      .init(
        "label_smoothing", \.labelSmoothing, .within(0..<1),
        "probability given to other tokens than the right one"),
      .init("beam", \.beam, .within(1...256), "translations kept while one is written"),
      .init(
        "sampling", \.sampling, .within(0...1),
        "probability to train the decoder on its own choice in place of the right token"),
      .init(
        "sampling_steps", \.samplingSteps, .atLeast(0),
        "steps over which that probability grows from 0; it is whole from the start unless given"),
    ]
  }

  /// Scheduled sampling came later.
  package static var unwrittenDefaults: Set<String> { ["sampling", "sampling_steps"] }

  /// Makes the network for rows of tokens.
  package func network(for input: Shape, classes: Int?) throws -> Module {
    RecurrentTranslation(
      vocabulary: try ModelRegistry.requireTokens(Self.name, input, classes), self)
  }
}

/// The network of ``RecurrentTranslationOptions``.
///
/// The encoder reads in both directions; its states, `[batch, time, 2 · width]`, are the memory. The
/// decoder's layers start at `tanh(bridge · final states)`.
package final class RecurrentTranslation: Module, SequenceToSequence {
  private let tokens: Embedding
  private let encoder: Recurrent
  private let bridge: Linear
  private let decoder: Recurrent
  private let additive: AdditiveAttention?
  private let keys: Linear?
  private let combine: Linear?
  private let head: Linear
  private let dropout: Dropout
  private let options: RecurrentTranslationOptions

  /// The share of the probability that the training gives to other tokens than the right one.
  package var labelSmoothing: Double { options.labelSmoothing }
  /// The number of translations of a sentence that are kept while it is written.
  package var beam: Int { options.beam }

  /// Grows evenly up to the step that the options say.
  package func ownShare(step: Int) -> Double {
    guard options.samplingSteps > 0 else { return options.sampling }
    return options.sampling * min(Double(step) / Double(options.samplingSteps), 1)
  }

  /// Makes a network.
  package init(vocabulary: Int, _ options: RecurrentTranslationOptions) {
    self.options = options
    let width = options.width
    func recurrent(bidirectional: Bool) -> Recurrent {
      let sizes = RecurrentOptions(
        hidden: width, layers: options.layers, dropout: options.dropout,
        bidirectional: bidirectional)
      return options.cell == .gru
        ? GRU(inputSize: width, sizes) : LSTM(inputSize: width, sizes)
    }
    tokens = Embedding(
      count: vocabulary, features: width,
      initializer: .normal(standardDeviation: 1 / Double(width).squareRoot()))
    encoder = recurrent(bidirectional: true)
    bridge = Linear(inputFeatures: 2 * width, outputFeatures: options.layers * width)
    decoder = recurrent(bidirectional: false)
    additive =
      options.attention == .additive
      ? AdditiveAttention(querySize: width, keySize: 2 * width, hidden: width) : nil
    keys =
      options.attention == .dot
      ? Linear(inputFeatures: 2 * width, outputFeatures: width, bias: false) : nil
    combine =
      options.attention == .none
      ? nil : Linear(inputFeatures: 3 * width, outputFeatures: width, bias: false)
    head = Linear(inputFeatures: width, outputFeatures: vocabulary)
    dropout = Dropout(p: options.dropout)
  }

  /// Reads sources into the states of both directions.
  ///
  /// - Throws: ``TensorError`` for shapes that do not fit.
  package func encode(_ source: Tensor, lengths: Tensor) throws -> Tensor {
    try encoder(dropout(tokens(source)), state: nil, lengths: lengths).output
  }

  /// The logits behind every token of the targets.
  ///
  /// - Throws: ``TensorError`` for shapes that do not fit.
  package func decode(
    _ target: Tensor, memory: Tensor, lengths: Tensor, cache: (any DecodingCache)?
  ) throws -> Tensor {
    let cache = cache as? RecurrentCache
    let source = cache?.memory ?? memory
    let (states, next) = try run(target, source, lengths, from: cache?.state)
    if let cache { (cache.state, cache.memory) = (next, source) }
    guard let combine else { return try head(dropout(states)) }
    let context = try weights(states, source, lengths).matmul(source)
    return try head(dropout(combine(.concat([context, states], axis: 2)).tanh()))
  }

  /// The source states that each position of the target looks at.
  ///
  /// - Throws: ``TensorError`` for shapes that do not fit.
  package func attention(_ target: Tensor, memory: Tensor, lengths: Tensor) throws -> Tensor? {
    guard options.attention != .none else { return nil }
    return try weights(run(target, memory, lengths, from: nil).states, memory, lengths)
  }

  /// An empty cache for decoding.
  package func makeCache() -> any DecodingCache { RecurrentCache() }

  private func run(
    _ target: Tensor, _ memory: Tensor, _ lengths: Tensor, from state: RecurrentState?
  ) throws -> (states: Tensor, next: RecurrentState) {
    let (output, next) = try decoder(
      dropout(tokens(target)), state: state ?? firstState(memory, lengths))
    return (output, next)
  }

  /// The decoder's first state, from the last state of the encoder's forward direction and the first
  /// position's of the backward one.
  private func firstState(_ memory: Tensor, _ lengths: Tensor) throws -> RecurrentState {
    let (batch, time, width) = (memory.shape[0], memory.shape[1], options.width)
    let rows = try memory.reshape([batch * time, 2 * width])
    let ends = lengths.doubles.enumerated().map { row, length in
      Int32(row * time + max(Int(length) - 1, 0))
    }
    let starts = (0..<batch).map { Int32($0 * time) }
    func picked(_ places: [Int32], _ first: Int) throws -> Tensor {
      try rows.indexSelect(0, .labels(places, context: memory.context))
        .narrow(1, start: first, length: width)
    }
    let final = try Tensor.concat([picked(ends, 0), picked(starts, width)], axis: 1)
    let hidden = try bridge(final).tanh().reshape([batch, options.layers, width]).permute(1, 0, 2)
    let cell =
      options.cell == .gru
      ? nil
      : try Tensor.zeros(hidden.shape, dtype: hidden.dtype, context: hidden.context)
    return RecurrentState(hidden: hidden, cell: cell)
  }

  private func weights(_ states: Tensor, _ memory: Tensor, _ lengths: Tensor) throws -> Tensor {
    let mask = AttentionMask(lengths: lengths)
    if let additive { return try additive.weights(states, memory, mask: mask) }
    guard let keys else { throw TensorError(op: "seq2seq", "has no attention") }
    return try states.matmul(keys(memory).permute(0, 2, 1)).maskedSoftmax(mask)
  }
}

/// The decoder's state behind the beginnings of texts, and the memory of each.
private final class RecurrentCache: DecodingCache {
  var state: RecurrentState?
  var memory: Tensor?

  func select(_ rows: [Int]) throws {
    guard let state, let memory else { return }
    let index = try Tensor.labels(rows.map { Int32($0) }, context: memory.context)
    self.state = RecurrentState(
      hidden: try state.hidden.indexSelect(1, index), cell: try state.cell?.indexSelect(1, index))
    self.memory = try memory.indexSelect(0, index)
  }
}
