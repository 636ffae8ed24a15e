import DLTensor

/// A layer of a Transformer's decoder: self-attention, attention to the encoder's result, and a
/// feed-forward network, each with a residual connection and a normalization.
///
/// Shapes: `[batch, time, features]`, unchanged; memory `[batch, any, features]`. Vaswani et al.
/// 2017, section 3.1. Counterpart: `torch.nn.TransformerDecoderLayer(batch_first=True)`.
public final class TransformerDecoderLayer: Module {
  /// Attention to the text itself.
  package let selfAttn: MultiHeadAttention
  /// Attention to the memory.
  package let multiheadAttn: MultiHeadAttention
  /// The feed-forward network's first matrix.
  package let linear1: Linear
  /// The feed-forward network's second matrix.
  package let linear2: Linear
  /// The normalization of self-attention.
  package let norm1: LayerNorm
  /// The normalization of the attention to the memory.
  package let norm2: LayerNorm
  /// The normalization of the feed-forward network.
  package let norm3: LayerNorm

  private let dropout: Dropout
  private let dropout1: Dropout
  private let dropout2: Dropout
  private let dropout3: Dropout
  let options: TransformerOptions

  /// Makes a layer for `features` features; its self-attention sees no later position unless
  /// `isCausal` is false.
  public init(features: Int, _ options: TransformerOptions, isCausal: Bool = true) {
    var scope = options.scope
    scope.causal = isCausal
    selfAttn = options.attention(features, scope)
    multiheadAttn = options.attention(features, AttentionScope())
    linear1 = Linear(inputFeatures: features, outputFeatures: options.feedForward)
    linear2 = Linear(inputFeatures: options.feedForward, outputFeatures: features)
    norm1 = LayerNorm(features: features, eps: options.eps)
    norm2 = LayerNorm(features: features, eps: options.eps)
    norm3 = LayerNorm(features: features, eps: options.eps)
    dropout = Dropout(p: options.dropout)
    dropout1 = Dropout(p: options.dropout)
    dropout2 = Dropout(p: options.dropout)
    dropout3 = Dropout(p: options.dropout)
    self.options = options
  }

  /// Applies the layer.
  ///
  /// Shapes: x `[batch, time, features]`, unchanged; memory `[batch, any, features]`.
  ///
  /// - Parameters:
  ///   - mask: restricts self-attention, besides causality.
  ///   - memoryMask: restricts the attention to the memory, as to its lengths.
  ///   - cache: the positions before those of `x`.
  ///   - memoryCache: the memory's keys and values, projected once.
  /// - Throws: ``TensorError`` for shapes that do not fit.
  public func callAsFunction(
    _ x: Tensor, memory: Tensor, mask: AttentionMask = AttentionMask(),
    memoryMask: AttentionMask = AttentionMask(), cache: KeyValueCache? = nil,
    memoryCache: KeyValueCache? = nil
  ) throws -> Tensor {
    let lengths = x.lengths
    let y = try applied(in: x.context) {
      var x = try options.residual(x, norm1) {
        try dropout1(selfAttn($0, mask: mask, cache: cache))
      }
      x = try options.residual(x, norm2) {
        try dropout2(multiheadAttn($0, memory: memory, mask: memoryMask, cache: memoryCache))
      }
      return try options.residual(x, norm3) {
        try dropout3(linear2(dropout(options.activation.after(linear1, $0))))
      }
    }
    // The next layer is told, too, where rows end.
    y.lengths = lengths
    return y
  }
}

/// A stack of decoder layers, with a normalization behind the last one if their own come first.
///
/// Shapes: `[batch, time, features]`, unchanged; memory `[batch, any, features]`. Counterpart:
/// `torch.nn.TransformerDecoder`.
public final class TransformerDecoder: Module {
  /// The layers in order.
  package let layers: [TransformerDecoderLayer]
  /// The normalization behind the last one.
  package let norm: LayerNorm?

  /// Makes a stack of layers of one kind.
  ///
  /// - Parameters:
  ///   - layers: the number of layers.
  ///   - isCausal: whether self-attention sees no later position.
  ///   - hasNorm: whether there is a last normalization; by default where layers normalize first.
  public init(
    layers count: Int, features: Int, _ options: TransformerOptions, isCausal: Bool = true,
    hasNorm: Bool? = nil
  ) {
    layers = (0..<count).map { _ in
      TransformerDecoderLayer(features: features, options, isCausal: isCausal)
    }
    norm =
      hasNorm ?? options.normFirst ? LayerNorm(features: features, eps: options.eps) : nil
  }

  /// Applies the stack; with a cache, to the positions behind those that it holds, the memory being
  /// projected once.
  ///
  /// Shapes: x `[batch, time, features]`, unchanged; memory `[batch, any, features]`.
  ///
  /// - Throws: ``TensorError`` for shapes that do not fit.
  public func callAsFunction(
    _ x: Tensor, memory: Tensor, mask: AttentionMask = AttentionMask(),
    memoryMask: AttentionMask = AttentionMask(), cache: TransformerCache? = nil
  ) throws -> Tensor {
    try requireLayers(layers.count, cache)
    var x = x
    for (index, layer) in layers.enumerated() {
      x = try layer(
        x, memory: memory, mask: mask, memoryMask: memoryMask,
        cache: cache?.selfAttention[index], memoryCache: cache?.memory[index])
    }
    return try norm?(x) ?? x
  }
}
