import DLTensor

/// What stands between the two matrices of a Transformer's feed-forward part.
public enum FeedForwardActivation: String, Sendable, CaseIterable {
  /// max(x, 0).
  case relu
  /// The exact GELU.
  case gelu
  /// The GELU by the hyperbolic tangent, as in GPT-2.
  case geluTanh = "gelu_tanh"

  /// `linear` and then the activation.
  fileprivate func after(_ linear: Linear, _ x: Tensor) throws -> Tensor {
    switch self {
    case .relu: try linear.located { try linear.forward(x, relu: true) }
    case .gelu: try linear(x).gelu()
    case .geluTanh: try linear(x).gelu(.tanh)
    }
  }
}

/// The options that encoder and decoder layers share; the defaults are PyTorch's.
public struct TransformerOptions: Sendable {
  /// The number of heads, which divides the size.
  public var heads: Int
  /// The features between the two matrices of the feed-forward part.
  public var feedForward: Int
  /// The probability of dropout, everywhere in a layer.
  public var dropout: Double
  /// What stands between the two matrices.
  public var activation: FeedForwardActivation
  /// Whether each part is `x + part(norm(x))`, else `norm(x + part(x))`.
  public var normFirst: Bool
  /// Added to the variance by the normalisations.
  public var eps: Double
  /// How far self-attention sees; nil for all the way.
  public var window: Int?
  /// Turns queries and keys of self-attention by their positions.
  public var rotary: RotaryPositions?

  /// Makes the options.
  public init(
    heads: Int, feedForward: Int = 2048, dropout: Double = 0.1,
    activation: FeedForwardActivation = .relu, normFirst: Bool = false, eps: Double = 1e-5,
    window: Int? = nil, rotary: RotaryPositions? = nil
  ) {
    self.heads = heads
    self.feedForward = feedForward
    self.dropout = dropout
    self.activation = activation
    self.normFirst = normFirst
    self.eps = eps
    self.window = window
    self.rotary = rotary
  }

  fileprivate func selfAttention(_ size: Int, isCausal: Bool) -> MultiHeadAttention {
    MultiHeadAttention(
      size, heads: heads, dropout: dropout, isCausal: isCausal, window: window, rotary: rotary)
  }

  /// `x + part(norm(x))` or `norm(x + part(x))`.
  fileprivate func residual(
    _ x: Tensor, _ norm: LayerNorm, _ part: (Tensor) throws -> Tensor
  ) throws -> Tensor {
    normFirst ? try x + part(norm(x)) : try norm(x + part(x))
  }
}

/// A layer of a Transformer's encoder: self-attention and a feed-forward network, each with a
/// residual connection and a normalisation.
///
/// A causal one is a layer of a GPT. Shapes: `[batch, time, size]`, unchanged. Vaswani et al. 2017,
/// section 3.1; Xiong et al. 2020 for normalisation first. Counterpart:
/// `torch.nn.TransformerEncoderLayer(batch_first=True)`.
public final class TransformerEncoderLayer: Module, Layer {
  /// Attention to the text itself.
  public let selfAttn: MultiHeadAttention
  /// The feed-forward network's first matrix.
  public let linear1: Linear
  /// The feed-forward network's second matrix.
  public let linear2: Linear
  /// The normalisation of self-attention.
  public let norm1: LayerNorm
  /// The normalisation of the feed-forward network.
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
    try located {
      let x = try options.residual(x, norm1) {
        try dropout1(selfAttn($0, mask: mask, cache: cache))
      }
      return try options.residual(x, norm2) {
        try dropout2(linear2(dropout(options.activation.after(linear1, $0))))
      }
    }
  }

  /// The output's shape without its batch axis.
  public func outputShape(for input: Shape) throws -> Shape {
    try selfAttn.outputShape(for: input)
  }
}

/// A layer of a Transformer's decoder: self-attention, attention to the encoder's result, and a
/// feed-forward network, each with a residual connection and a normalisation.
///
/// Shapes: `[batch, time, size]`, unchanged; memory `[batch, any, size]`. Vaswani et al. 2017,
/// section 3.1. Counterpart: `torch.nn.TransformerDecoderLayer(batch_first=True)`.
public final class TransformerDecoderLayer: Module {
  /// Attention to the text itself.
  public let selfAttn: MultiHeadAttention
  /// Attention to the memory.
  public let multiheadAttn: MultiHeadAttention
  /// The feed-forward network's first matrix.
  public let linear1: Linear
  /// The feed-forward network's second matrix.
  public let linear2: Linear
  /// The normalisation of self-attention.
  public let norm1: LayerNorm
  /// The normalisation of the attention to the memory.
  public let norm2: LayerNorm
  /// The normalisation of the feed-forward network.
  public let norm3: LayerNorm

  private let dropout: Dropout
  private let dropout1: Dropout
  private let dropout2: Dropout
  private let dropout3: Dropout
  private let options: TransformerOptions

  /// Makes a layer for `size` features; its self-attention sees no later position unless
  /// `isCausal` is false.
  public init(_ size: Int, _ options: TransformerOptions, isCausal: Bool = true) {
    selfAttn = options.selfAttention(size, isCausal: isCausal)
    multiheadAttn = MultiHeadAttention(size, heads: options.heads, dropout: options.dropout)
    linear1 = Linear(size, options.feedForward)
    linear2 = Linear(options.feedForward, size)
    norm1 = LayerNorm(size, eps: options.eps)
    norm2 = LayerNorm(size, eps: options.eps)
    norm3 = LayerNorm(size, eps: options.eps)
    dropout = Dropout(p: options.dropout)
    dropout1 = Dropout(p: options.dropout)
    dropout2 = Dropout(p: options.dropout)
    dropout3 = Dropout(p: options.dropout)
    self.options = options
  }

  /// Applies the layer.
  ///
  /// - Parameters:
  ///   - mask: restricts self-attention, besides causality.
  ///   - memoryMask: restricts the attention to the memory, as to its lengths.
  ///   - cache: the positions before those of `x`.
  ///   - memoryCache: the memory's keys and values, projected once.
  public func callAsFunction(
    _ x: Tensor, memory: Tensor, mask: AttentionMask = AttentionMask(),
    memoryMask: AttentionMask = AttentionMask(), cache: KeyValueCache? = nil,
    memoryCache: KeyValueCache? = nil
  ) throws -> Tensor {
    try located {
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
  }
}

/// A stack of encoder layers, with a normalisation behind the last one if their own come first.
///
/// Shapes: `[batch, time, size]`, unchanged. Counterpart: `torch.nn.TransformerEncoder`.
public final class TransformerEncoder: Module, Layer {
  /// The layers in order.
  public let layers: [TransformerEncoderLayer]
  /// The normalisation behind the last one.
  public let norm: LayerNorm?

  /// Makes a stack of `count` layers.
  ///
  /// - Parameter hasNorm: whether there is a last normalisation; by default where layers
  ///   normalise first.
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

  /// The output's shape without its batch axis.
  public func outputShape(for input: Shape) throws -> Shape {
    try layers.reduce(input) { try $1.outputShape(for: $0) }
  }
}

/// A stack of decoder layers, with a normalisation behind the last one if their own come first.
///
/// Shapes: `[batch, time, size]`, unchanged; memory `[batch, any, size]`. Counterpart:
/// `torch.nn.TransformerDecoder`.
public final class TransformerDecoder: Module {
  /// The layers in order.
  public let layers: [TransformerDecoderLayer]
  /// The normalisation behind the last one.
  public let norm: LayerNorm?

  /// Makes a stack of `count` layers.
  ///
  /// - Parameter hasNorm: whether there is a last normalisation; by default where layers
  ///   normalise first.
  public init(
    _ count: Int, _ size: Int, _ options: TransformerOptions, isCausal: Bool = true,
    hasNorm: Bool? = nil
  ) {
    layers = (0..<count).map { _ in TransformerDecoderLayer(size, options, isCausal: isCausal) }
    norm = hasNorm ?? options.normFirst ? LayerNorm(size, eps: options.eps) : nil
  }

  /// Applies the stack; with a cache, to the positions behind those that it holds, the memory being
  /// projected once.
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

/// - Throws: `TensorError` unless the cache, if any, has that many layers.
private func requireLayers(_ count: Int, _ cache: TransformerCache?) throws {
  guard let cache, cache.selfAttention.count != count else { return }
  throw TensorError(
    op: "transformer", "\(count) layers, the cache has \(cache.selfAttention.count)")
}
