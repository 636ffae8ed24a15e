import DLTensor

/// Attention by a small network instead of a product: `scores = w · tanh(W_q q + W_k k)`.
///
/// Shapes: queries `[batch, time, querySize]`, keys `[batch, keys, keySize]`, values `[batch, keys,
/// any]`, the result `[batch, time, any]`. Needs batch · time · keys · hidden elements. Bahdanau et
/// al. 2015, "Neural Machine Translation by Jointly Learning to Align and Translate", appendix
/// A.1.2.
public final class AdditiveAttention: Module {
  /// W_q, without a bias.
  package let queryProj: Linear
  /// W_k, without a bias.
  package let keyProj: Linear
  /// w, without a bias.
  package let score: Linear

  private let dropout: Dropout

  /// Makes a layer that compares in `hidden` features.
  public init(querySize: Int, keySize: Int, hidden: Int, dropout: Double = 0) {
    queryProj = Linear(inputFeatures: querySize, outputFeatures: hidden, bias: false)
    keyProj = Linear(inputFeatures: keySize, outputFeatures: hidden, bias: false)
    score = Linear(inputFeatures: hidden, outputFeatures: 1, bias: false)
    self.dropout = Dropout(p: dropout)
  }

  /// Applies the layer.
  ///
  /// Shapes: queries `[batch, time, querySize]`, keys `[batch, keys, keySize]`, values
  /// `[batch, keys, any]`, the result `[batch, time, any]`.
  ///
  /// - Throws: ``TensorError`` for shapes that do not fit.
  public func callAsFunction(
    _ query: Tensor, _ key: Tensor, _ value: Tensor, mask: AttentionMask = AttentionMask()
  ) throws -> Tensor {
    try dropout(weights(query, key, mask: mask)).matmul(value)
  }

  /// The share of each key that each query takes, `[batch, time, keys]`.
  ///
  /// - Throws: ``TensorError`` for shapes that do not fit.
  package func weights(_ query: Tensor, _ key: Tensor, mask: AttentionMask = AttentionMask()) throws
    -> Tensor
  {
    var mask = mask
    mask.lengths = mask.lengths ?? key.lengths
    return try applied(in: query.context) {
      guard query.shape.rank == 3, key.shape.rank == 3, query.shape[0] == key.shape[0] else {
        throw TensorError(
          op: "additive_attention",
          "queries have shape \(query.shape), keys \(key.shape); expected [batch, time, features]")
      }
      let (batch, time, keys) = (query.shape[0], query.shape[1], key.shape[1])
      let hidden = queryProj.weight.shape[0]
      let features = try
        (queryProj(query).reshape([batch, time, 1, hidden])
        + keyProj(key).reshape([batch, 1, keys, hidden])).tanh()
      return try score(features).reshape([batch, time, keys]).maskedSoftmax(mask)
    }
  }
}
