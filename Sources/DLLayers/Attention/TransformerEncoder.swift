import DLConfiguration
import DLTensor

/// A layer of a Transformer's encoder: self-attention and a feed-forward network, each with a
/// residual connection and a normalization.
///
/// A causal one is a layer of a GPT. Shapes: `[batch, time, size]`, unchanged. Vaswani et al. 2017,
/// section 3.1; Xiong et al. 2020 for normalization first. Counterpart:
/// `torch.nn.TransformerEncoderLayer(batch_first=True)`.
public final class TransformerEncoderLayer: Module, Layer {
  /// The options of ``TransformerEncoderLayer`` in `model.layers`.
  public struct Options: LayerSpec {
    /// The name in `model.layers`.
    public static var word: String { "transformer_encoder_layer" }
    /// Heads, which divide the features.
    public var heads = 0
    /// Features between the two matrices of the feed-forward part.
    public var feedForward = 2048
    /// The probability to zero an element, everywhere in the layer.
    public var dropout = 0.1
    /// Relu, gelu or gelu_tanh.
    public var activation = FeedForwardActivation.relu
    /// Whether normalization comes before each part, else behind its sum with the input.
    public var normFirst = false
    /// What each position sees.
    public var sight = AttentionSight()
    /// Makes the options with their defaults.
    public init() {}
    /// The keys, in the order in which they are written.
    public static var fields: [ConfigurationField<Self>] {
      [
        .init("heads", \.heads, .layerSize, required: true, "heads, which divide the features"),
        .init(
          "feed_forward", \.feedForward, .layerSize,
          "features between the two matrices of the feed-forward part"),
        .init(
          "dropout", \.dropout, .within(0..<1),
          "the probability to zero an element, everywhere in the layer"),
        .init("activation", \.activation, "relu, gelu or gelu_tanh"),
        .init(
          "norm_first", \.normFirst,
          "whether normalization comes before each part, else behind its sum with the input"),
      ] + AttentionSight.fields(in: \Self.sight)
    }
    /// Makes the layer for inputs of shape `[batch] + input`.
    public func layer(for input: Shape) throws -> any Layer {
      let options = TransformerOptions(
        heads: heads, feedForward: feedForward, dropout: dropout,
        activation: activation, normFirst: normFirst, window: sight.window,
        rotary: sight.positions)
      return TransformerEncoderLayer(
        try sequenceFeatures(Self.word, input), options, isCausal: sight.causal)
    }
  }

  /// Attention to the text itself.
  public let selfAttn: MultiHeadAttention
  /// The feed-forward network's first matrix.
  public let linear1: Linear
  /// The feed-forward network's second matrix.
  public let linear2: Linear
  /// The normalization of self-attention.
  public let norm1: LayerNorm
  /// The normalization of the feed-forward network.
  public let norm2: LayerNorm

  private let dropout: Dropout
  private let dropout1: Dropout
  private let dropout2: Dropout
  private let options: TransformerOptions

  /// Makes a layer for `size` features.
  public init(_ size: Int, _ options: TransformerOptions, isCausal: Bool = false) {
    selfAttn = options.selfAttention(size, isCausal: isCausal)
    linear1 = Linear(size, options.feedForward)
    linear2 = Linear(options.feedForward, size)
    norm1 = LayerNorm(size, eps: options.eps)
    norm2 = LayerNorm(size, eps: options.eps)
    dropout = Dropout(p: options.dropout)
    dropout1 = Dropout(p: options.dropout)
    dropout2 = Dropout(p: options.dropout)
    self.options = options
  }

  /// Applies the layer.
  public func forward(_ x: Tensor) throws -> Tensor { try self(x, mask: AttentionMask()) }

  /// Applies the layer under a mask besides its own; with a cache, to the positions behind those
  /// that it holds.
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
  public var sequenceLayout: SequenceLayout? { .channelsLast }

  /// The output's shape without its batch axis.
  public func outputShape(for input: Shape) throws -> Shape {
    try selfAttn.outputShape(for: input)
  }
}

/// A stack of encoder layers, with a normalization behind the last one if their own come first.
///
/// Shapes: `[batch, time, size]`, unchanged. Counterpart: `torch.nn.TransformerEncoder`.
public final class TransformerEncoder: Module, Layer {
  /// The layers in order.
  public let layers: [TransformerEncoderLayer]
  /// The normalization behind the last one.
  public let norm: LayerNorm?

  /// Makes a stack of `count` layers.
  ///
  /// - Parameter hasNorm: whether there is a last normalization; by default where layers
  ///   normalize first.
  public init(
    _ count: Int, _ size: Int, _ options: TransformerOptions, isCausal: Bool = false,
    hasNorm: Bool? = nil
  ) {
    layers = (0..<count).map { _ in TransformerEncoderLayer(size, options, isCausal: isCausal) }
    norm = hasNorm ?? options.normFirst ? LayerNorm(size, eps: options.eps) : nil
  }

  /// Applies the stack.
  public func forward(_ x: Tensor) throws -> Tensor { try self(x, mask: AttentionMask()) }

  /// Applies the stack under a mask besides its own; with a cache, to the positions behind those
  /// that it holds.
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
  public var sequenceLayout: SequenceLayout? { .channelsLast }

  /// The output's shape without its batch axis.
  public func outputShape(for input: Shape) throws -> Shape {
    try layers.reduce(input) { try $1.outputShape(for: $0) }
  }
}
