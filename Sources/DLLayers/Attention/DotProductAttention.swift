import DLTensor

/// The attention between queries, keys and values that a network has projected itself.
///
/// `y = softmax(q kᵀ / √width) v` for each head, the heads side by side in the features. Shapes:
/// `[batch, time, 3 · size]`, queries, keys and values beside each other, to `[batch, time, size]`.
/// Has no parameters. Vaswani et al. 2017, section 3.2.1. Counterpart:
/// `torch.nn.functional.scaled_dot_product_attention`.
public final class DotProductAttention: BuiltInLayer {
  let heads: Int
  private let dropout: Double
  let isCausal: Bool
  private var calls = DropoutCalls()

  /// Makes an attention of so many heads.
  ///
  /// - Parameters:
  ///   - dropout: the probability to zero a weight.
  ///   - isCausal: whether positions see no later one.
  public init(heads: Int, dropout: Double = 0, isCausal: Bool = false) {
    self.heads = heads
    self.dropout = dropout
    self.isCausal = isCausal
  }

  /// Applies the attention.
  override func forward(from x: Tensor) throws -> Tensor { try attend(x, cache: nil) }

  /// Applies the attention; with a cache, to the positions behind those that it holds.
  ///
  /// Shapes: `[batch, time, 3 · size]` to `[batch, time, size]`.
  ///
  /// - Throws: ``TensorError`` for shapes that do not fit.
  public func callAsFunction(_ x: Tensor, cache: KeyValueCache?) throws -> Tensor {
    try observed(x) { try attend(x, cache: cache) }
  }

  /// Attends with queries, keys and values `[batch, time, size]` of their own.
  ///
  /// - Throws: ``TensorError`` for shapes that do not fit.
  public func callAsFunction(_ query: Tensor, _ key: Tensor, _ value: Tensor) throws -> Tensor {
    try observed(query) {
      try attend(
        AttentionInput(query, heads: heads), AttentionInput(key, heads: heads),
        AttentionInput(value, heads: heads), lengths: key.lengths)
    }
  }

  /// All positions.
  override var ownReceptiveField: ReceptiveField { .everything }

  /// The number of products: those of queries and keys, and of weights and values.
  override func multiplyAdds(from input: Shape, to output: Shape) -> Int {
    output.leading.productOrMax(output[-2]).productOrMax(2 * output[-1])
  }

  /// PyTorch's counterpart takes `[batch, time, features]`.
  override var ownSequenceLayout: SequenceLayout? { .channelsLast }

  override func outputShape(from input: Shape) throws -> Shape {
    guard input.rank == 2, input[1].isMultiple(of: 3), (input[1] / 3).isMultiple(of: heads) else {
      throw TensorError(
        op: "attention", "input has shape \(input), expected [time, 3 * features] in \(heads) heads"
      )
    }
    return [input[0], input[1] / 3]
  }

  private func attend(_ packed: Tensor, cache: KeyValueCache?) throws -> Tensor {
    let query = try AttentionInput(packed, heads: heads, part: 0, of: 3)
    guard let cache else {
      return try attend(
        query, AttentionInput(packed, heads: heads, part: 1, of: 3),
        AttentionInput(packed, heads: heads, part: 2, of: 3), lengths: packed.lengths)
    }
    let offset = cache.length
    try cache.append(packed, first: 1, of: 3)
    let (key, value) = try cache.inputs(heads: heads)
    return try attend(query, key, value, lengths: nil, offset: offset)
  }

  private func attend(
    _ query: AttentionInput, _ key: AttentionInput, _ value: AttentionInput, lengths: Tensor?,
    offset: Int = 0
  ) throws -> Tensor {
    var mask = AttentionMask()
    mask.isCausal = isCausal
    mask.lengths = lengths
    mask.queryOffset = offset
    let context = query.tensor.context
    var drop: (p: Double, key: RandomKey)?
    if context.isTraining, dropout > 0 { drop = (dropout, calls.next(context, path: path)) }
    return try Tensor.attention(query, key, value, mask: mask, dropout: drop)
  }
}
