import DLLayers
import DLTensor

/// Lets a decoder copy tokens of its source, as names that it has never seen (pointer-generator).
///
/// `P(w) = g · softmax(logits)[w] + (1 - g) · Σ_{i: source_i = w} attention_i`, with the gate `g =
/// sigmoid(v · [context, state, input] + b)`. Source and target share a vocabulary, so that names are
/// copied piece by piece. Shapes: logits `[batch, target, vocabulary]`, attention `[batch, target,
/// source]`. See et al. 2017, "Get To The Point", equations 8 and 9.
package final class CopyMechanism: Module {
  /// v and b of the gate.
  package let gate: Linear
  private let vocabulary: Int
  /// Keeps the logarithm of what has no probability finite.
  static let least = 1e-12

  /// Makes the gate for what it sees of the decoder.
  package init(features: Int, vocabulary: Int) {
    gate = Linear(inputFeatures: features, outputFeatures: 1)
    self.vocabulary = vocabulary
  }

  /// A memory whose last feature is the token: floats hold integers of a vocabulary exactly.
  func memory(_ states: Tensor, _ source: Tensor) throws -> Tensor {
    let column = Shape([source.shape[0], source.shape[1], 1])
    let tokens = try Tensor.values(
      source.doubles, shape: column, dtype: states.dtype, context: states.context)
    return try .concat([states, tokens], axis: 2)
  }

  /// The logarithm of P.
  ///
  /// - Parameters:
  ///   - seen: what the gate sees, `[batch, target, features]`.
  ///   - memory: what ``memory(_:_:)`` made.
  /// - Throws: ``TensorError`` for shapes that do not fit.
  func callAsFunction(_ logits: Tensor, _ attention: Tensor, seen: Tensor, memory: Tensor) throws
    -> Tensor
  {
    let (time, length) = (logits.shape[1], memory.shape[1])
    let source = try memory.narrow(2, start: memory.shape[2] - 1, length: 1).doubles
    let indices = (0..<memory.shape[0]).flatMap { row in
      let tokens = source[row * length..<(row + 1) * length].map { Int32($0) }
      return (0..<time).flatMap { _ in tokens }
    }
    let index = try Tensor.labels(indices, shape: attention.shape, context: logits.context)
    let nothing = try Tensor.zeros(logits.shape, dtype: logits.dtype, context: logits.context)
    let copied = try nothing.scatterAdd(2, index, attention)
    let gate = try gate(seen).sigmoid()
    return try (gate * logits.softmax() + (1 - gate) * copied + Self.least).log()
  }
}
