import DLLayers
import DLTensor

/// A model that reads one row of tokens and writes another.
public protocol SequenceToSequence: Module {
  /// Reads sources, int32 `[batch, time]`, of which the first `lengths` tokens count, int32
  /// `[batch]`, into a memory `[batch, time, features]`.
  ///
  /// - Throws: ``TensorError`` for shapes that do not fit.
  func encode(_ source: Tensor, lengths: Tensor) throws -> Tensor

  /// The logits `[batch, time, vocabulary]` behind every token of the targets, int32
  /// `[batch, time]`.
  ///
  /// With a cache, `target` holds the tokens behind those that it holds.
  ///
  /// - Throws: ``TensorError`` for shapes that do not fit.
  func decode(_ target: Tensor, memory: Tensor, lengths: Tensor, cache: (any DecodingCache)?) throws
    -> Tensor

  /// An empty cache for ``decode(_:memory:lengths:cache:)``.
  func makeCache() -> any DecodingCache

  /// The positions of the source that each position of the target looks at, `[batch, target, source]`;
  /// nil for a model that does not say.
  ///
  /// - Throws: ``TensorError`` for shapes that do not fit.
  func attention(_ target: Tensor, memory: Tensor, lengths: Tensor) throws -> Tensor?

  /// The logits of ``decode(_:memory:lengths:cache:)``, without a cache, with what
  /// ``attention(_:memory:lengths:)`` says, by one pass.
  ///
  /// Shapes: target int32 `[batch, target]`, memory `[batch, source, features]`, lengths int32
  /// `[batch]`, logits `[batch, target, vocabulary]`, attention `[batch, target, source]`.
  ///
  /// - Throws: ``TensorError`` for shapes that do not fit.
  func decodeWithAttention(_ target: Tensor, memory: Tensor, lengths: Tensor) throws
    -> (logits: Tensor, attention: Tensor?)

  /// The addition of the training to the loss for attention away from the diagonal; nil for none.
  var guidedAttention: GuidedAttention? { get }

  /// The share of the training's loss that is the BLEU of translations that were drawn (self-critical
  /// sequence training).
  var selfCritical: Double { get }

  /// Translations of a sentence whose risk that share is; 0 for one, against what the model writes
  /// anyway.
  var riskSamples: Int { get }

  /// The share of the probability that the training gives to other tokens than the right one.
  var labelSmoothing: Double { get }

  /// The number of translations of a sentence that are kept while it is written.
  var beam: Int { get }

  /// The probability to hand the decoder its own choice in place of the right token, in a step of the
  /// training.
  func ownShare(step: Int) -> Double
}

extension SequenceToSequence {
  /// The decoder gets the right tokens.
  public func ownShare(step: Int) -> Double { 0 }
  /// Attention is free.
  public var guidedAttention: GuidedAttention? { nil }
  /// None of it.
  public var selfCritical: Double { 0 }
  /// One translation is drawn.
  public var riskSamples: Int { 0 }
  /// Two passes, for a model that says what it looks at.
  ///
  /// Shapes: logits `[batch, target, vocabulary]`, attention `[batch, target, source]`.
  ///
  /// - Throws: ``TensorError`` when target and memory do not fit.
  public func decodeWithAttention(_ target: Tensor, memory: Tensor, lengths: Tensor) throws
    -> (logits: Tensor, attention: Tensor?)
  {
    (
      try decode(target, memory: memory, lengths: lengths, cache: nil),
      try attention(target, memory: memory, lengths: lengths)
    )
  }
  /// Nothing is said, whatever the shapes.
  public func attention(_ target: Tensor, memory: Tensor, lengths: Tensor) -> Tensor? { nil }
}

/// A model that writes all tokens of a text at once, for which it has to know how many there are.
public protocol NonAutoregressive: SequenceToSequence {
  /// The largest number of tokens by which a text is longer or shorter than its source.
  var reach: Int { get }

  /// Logits of how much longer a text is than its source, its end counted, `[batch, 2 · reach + 1]`.
  ///
  /// Shapes: memory `[batch, time, features]`, lengths int32 `[batch]`.
  ///
  /// - Throws: ``TensorError`` for shapes that do not fit.
  func lengthLogits(_ memory: Tensor, lengths: Tensor) throws -> Tensor
}

/// The memory of a decoder for the beginnings of texts while they are written token by token.
public protocol DecodingCache: AnyObject {
  /// Makes text i the former text `rows[i]`, as a beam search does.
  ///
  /// - Throws: ``TensorError`` for a text that is not there.
  func select(_ rows: [Int]) throws
}

extension TransformerCache: DecodingCache {}
