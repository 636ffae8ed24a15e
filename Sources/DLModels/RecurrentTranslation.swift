import DLLayers
import DLTensor

/// The network of ``RecurrentTranslationOptions``.
///
/// The encoder reads in both directions; its states, `[batch, time, 2 · width]`, are the memory. The
/// decoder's layers start at `tanh(bridge · final states)`.
package final class RecurrentTranslation: Module, SequenceToSequence {
  let tokens: Embedding
  let encoder: Recurrent
  let bridge: Linear
  let decoder: Recurrent
  let additive: AdditiveAttention?
  let keys: Linear?
  let combine: Linear?
  let copier: CopyMechanism?
  let head: Linear
  private let dropout: Dropout
  let options: RecurrentTranslationOptions

  /// The share of the probability that the training gives to other tokens than the right one.
  package var labelSmoothing: Double { options.labelSmoothing }
  /// The number of translations of a sentence that are kept while it is written.
  package var beam: Int { options.beam }

  /// The cost of attention away from the diagonal.
  package var guidedAttention: GuidedAttention? {
    options.guided > 0 ? GuidedAttention(options.guided, width: options.guidedWidth) : nil
  }
  /// The share of the loss that is the BLEU of translations that were drawn.
  package var selfCritical: Double { options.selfCritical }
  /// The translations that are drawn for a risk.
  package var riskSamples: Int { options.riskSamples }

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
    tokens = Embedding(count: vocabulary, features: width)
    encoder = recurrent(bidirectional: true)
    bridge = Linear(inputFeatures: 2 * width, outputFeatures: options.layers * width)
    decoder = recurrent(bidirectional: false)
    additive =
      options.attention == .additive
      ? AdditiveAttention(querySize: width, keySize: 2 * width, hidden: width) : nil
    keys =
      options.attention == .dot || options.attention == .relu
      ? Linear(inputFeatures: 2 * width, outputFeatures: width, bias: false) : nil
    combine =
      options.attention == .none
      ? nil : Linear(inputFeatures: 3 * width, outputFeatures: width, bias: false)
    copier = options.copy ? CopyMechanism(features: 4 * width, vocabulary: vocabulary) : nil
    head = Linear(inputFeatures: width, outputFeatures: vocabulary)
    dropout = Dropout(p: options.dropout)
  }

  /// Reads sources into the states of both directions, and behind them the tokens where those may be
  /// copied.
  ///
  /// - Throws: ``TensorError`` for shapes that do not fit.
  package func encode(_ source: Tensor, lengths: Tensor) throws -> Tensor {
    let states = try encoder(dropout(tokens(source)), state: nil, lengths: lengths).output
    return try copier?.memory(states, source) ?? states
  }

  /// The logits behind every token of the targets; logarithms of probabilities where tokens may be
  /// copied.
  ///
  /// - Throws: ``TensorError`` for shapes that do not fit.
  package func decode(
    _ target: Tensor, memory: Tensor, lengths: Tensor, cache: (any DecodingCache)?
  ) throws -> Tensor {
    try decode(target, memory, lengths, cache as? RecurrentCache).logits
  }

  /// The logits, and the source states that each position of the target looks at.
  ///
  /// - Throws: ``TensorError`` for shapes that do not fit.
  package func decodeWithAttention(_ target: Tensor, memory: Tensor, lengths: Tensor) throws
    -> (logits: Tensor, attention: Tensor?)
  {
    try decode(target, memory, lengths, nil)
  }

  /// The source states that each position of the target looks at.
  ///
  /// - Throws: ``TensorError`` for shapes that do not fit.
  package func attention(_ target: Tensor, memory: Tensor, lengths: Tensor) throws -> Tensor? {
    guard options.attention != .none else { return nil }
    let source = try states(memory)
    return try weights(
      run(dropout(tokens(target)), source, lengths, from: nil).states, source, lengths)
  }

  private func decode(
    _ target: Tensor, _ memory: Tensor, _ lengths: Tensor, _ cache: RecurrentCache?
  ) throws -> (logits: Tensor, attention: Tensor?) {
    let memory = cache?.memory ?? memory
    let source = try states(memory)
    let inputs = try dropout(tokens(target))
    let (states, next) = try run(inputs, source, lengths, from: cache?.state)
    if let cache { (cache.state, cache.memory) = (next, memory) }
    guard let combine else { return (try head(dropout(states)), nil) }
    let weights = try weights(states, source, lengths)
    let context = try weights.matmul(source)
    let logits = try head(dropout(combine(.concat([context, states], axis: 2)).tanh()))
    guard let copier else { return (logits, weights) }
    let seen = try Tensor.concat([context, states, inputs], axis: 2)
    return (try copier(logits, weights, seen: seen, memory: memory), weights)
  }

  /// The states of a memory, without the tokens that may be copied.
  private func states(_ memory: Tensor) throws -> Tensor {
    copier == nil ? memory : try memory.narrow(2, start: 0, length: 2 * options.width)
  }

  /// An empty cache for decoding.
  package func makeCache() -> any DecodingCache { RecurrentCache() }

  private func run(
    _ inputs: Tensor, _ memory: Tensor, _ lengths: Tensor, from state: RecurrentState?
  ) throws -> (states: Tensor, next: RecurrentState) {
    let (output, next) = try decoder(inputs, state: state ?? firstState(memory, lengths))
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
    let scores = try states.matmul(keys(memory).permute(0, 2, 1))
    guard options.attention == .relu else { return try scores.maskedSoftmax(mask) }
    let scale = 1 / Double(options.width).squareRoot()
    return try (scores * scale).relu() * shares(lengths, memory.shape[1])
  }
}

/// One over the length where a source has tokens, else 0; `[batch, 1, time]`.
func shares(_ lengths: Tensor, _ time: Int) throws -> Tensor {
  let values = lengths.doubles.flatMap { length in
    (0..<time).map { Double($0) < length ? 1 / length : 0 }
  }
  return try .values(values, shape: [lengths.count, 1, time], context: lengths.context)
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
