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
  func decode(_ target: Tensor, memory: Tensor, lengths: Tensor, cache: TransformerCache?) throws
    -> Tensor

  /// An empty cache for ``decode(_:memory:lengths:cache:)``.
  func makeCache() -> TransformerCache

  /// The share of the probability that the training gives to other tokens than the right one.
  var labelSmoothing: Double { get }

  /// The number of translations of a sentence that are kept while it is written.
  var beam: Int { get }
}
