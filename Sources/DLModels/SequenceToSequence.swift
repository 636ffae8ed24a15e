import DLLayers
import DLTensor

/// A model that reads one row of tokens and writes another.
public protocol SequenceToSequence: Module {
  /// Reads sources, int32 `[batch, time]`, of which the first `lengths` tokens count, into a memory
  /// `[batch, time, features]`.
  ///
  /// - Throws: ``TensorError`` for shapes that do not fit.
  func encode(_ source: Tensor, lengths: Tensor) throws -> Tensor

  /// The logits behind every token of the targets, `[batch, time, vocabulary]`.
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
  /// Nothing is said.
  public func attention(_ target: Tensor, memory: Tensor, lengths: Tensor) -> Tensor? { nil }
}

/// What a decoder keeps of the beginnings of texts while they are written token by token.
public protocol DecodingCache: AnyObject {
  /// Makes text i the former text `rows[i]`, as a beam search does.
  ///
  /// - Throws: ``TensorError`` for a text that is not there.
  func select(_ rows: [Int]) throws
}

extension TransformerCache: DecodingCache {}
