import DLTensor

/// A layer of a Transformer's encoder: self-attention and a feed-forward network, each with a
/// residual connection and a normalization.
///
/// A causal one is a layer of a GPT. Shapes: `[batch, time, features]`, unchanged. Vaswani et al.
/// 2017, section 3.1; Xiong et al. 2020 for normalization first. Counterpart:
/// `torch.nn.TransformerEncoderLayer(batch_first=True)`.
public final class TransformerEncoderLayer: BuiltInLayer {
  /// The options of ``TransformerEncoderLayer`` in `model.layers`.
  package typealias Options = TransformerOptions

  /// Attention to the text itself.
  package let selfAttn: MultiHeadAttention
  /// The feed-forward network's first matrix.
  package let linear1: Linear
  /// The feed-forward network's second matrix.
  package let linear2: Linear
  /// The normalization of self-attention.
  package let norm1: LayerNorm
  /// The normalization of the feed-forward network.
  package let norm2: LayerNorm

  private let dropout: Dropout
  private let dropout1: Dropout
  private let dropout2: Dropout
  let options: TransformerOptions

  /// Makes a layer for `features` features.
  public init(features: Int, _ options: TransformerOptions) {
    selfAttn = options.attention(features, options.scope)
    linear1 = Linear(inputFeatures: features, outputFeatures: options.feedForward)
    linear2 = Linear(inputFeatures: options.feedForward, outputFeatures: features)
    norm1 = LayerNorm(features: features, eps: options.eps)
    norm2 = LayerNorm(features: features, eps: options.eps)
    dropout = Dropout(p: options.dropout)
    dropout1 = Dropout(p: options.dropout)
    dropout2 = Dropout(p: options.dropout)
    self.options = options
  }

  override func forward(from x: Tensor) throws -> Tensor { try self(x, mask: AttentionMask()) }

  /// Applies the layer under a mask besides its own; with a cache, to the positions behind those
  /// that it holds.
  ///
  /// Shapes: `[batch, time, features]`, unchanged.
  ///
  /// - Throws: ``TensorError`` for shapes that do not fit.
  public func callAsFunction(_ x: Tensor, mask: AttentionMask, cache: KeyValueCache? = nil) throws
    -> Tensor
  {
    try observed(x) {
      let x = try options.residual(x, norm1) {
        try dropout1(selfAttn($0, mask: mask, cache: cache))
      }
      return try options.residual(x, norm2) {
        try dropout2(linear2(dropout(options.activation.after(linear1, $0))))
      }
    }
  }

  /// PyTorch's counterpart takes `[batch, time, features]`.
  override var ownSequenceLayout: SequenceLayout? { .channelsLast }

  override func outputShape(from input: Shape) throws -> Shape {
    try selfAttn.outputShape(for: input)
  }
}

/// A stack of encoder layers, with a normalization behind the last one if their own come first.
///
/// Shapes: `[batch, time, features]`, unchanged. Counterpart: `torch.nn.TransformerEncoder`.
public final class TransformerEncoder: BuiltInLayer {
  /// The layers in order.
  package let layers: [TransformerEncoderLayer]
  /// The normalization behind the last one.
  package let norm: LayerNorm?

  /// Makes a stack of layers of one kind.
  ///
  /// - Parameters:
  ///   - layers: the number of layers.
  ///   - hasNorm: whether there is a last normalization; by default where layers normalize first.
  public init(layers count: Int, features: Int, _ options: TransformerOptions, hasNorm: Bool? = nil)
  {
    layers = (0..<count).map { _ in TransformerEncoderLayer(features: features, options) }
    norm =
      hasNorm ?? options.normFirst ? LayerNorm(features: features, eps: options.eps) : nil
  }

  /// Applies the stack.
  override func forward(from x: Tensor) throws -> Tensor { try self(x, mask: AttentionMask()) }

  /// Applies the stack under a mask besides its own; with a cache, to the positions behind those
  /// that it holds.
  ///
  /// Shapes: `[batch, time, features]`, unchanged.
  ///
  /// - Throws: ``TensorError`` for shapes that do not fit.
  public func callAsFunction(_ x: Tensor, mask: AttentionMask, cache: TransformerCache? = nil)
    throws -> Tensor
  {
    try requireLayers(layers.count, cache)
    var x = x
    for (index, layer) in layers.enumerated() {
      x = try layer(x, mask: mask, cache: cache?.selfAttention[index])
    }
    return try norm?(x) ?? x
  }

  /// PyTorch's counterpart takes `[batch, time, features]`.
  override var ownSequenceLayout: SequenceLayout? { .channelsLast }

  override func outputShape(from input: Shape) throws -> Shape {
    try layers.reduce(input) { try $1.outputShape(for: $0) }
  }
}
