import DLCluster
import DLConfiguration
import DLCore
import DLTensor

/// What stands between the two matrices of a Transformer's feed-forward part.
public enum FeedForwardActivation: String, ConfigurationWord {
  /// max(x, 0).
  case relu
  /// The exact GELU.
  case gelu
  /// The GELU by the hyperbolic tangent, as in GPT-2.
  case geluTanh = "gelu_tanh"

  /// `linear` and then the activation.
  func after(_ linear: Linear, _ x: Tensor) throws -> Tensor {
    switch self {
    case .relu: try linear.observed(x) { try linear.forward(x, relu: true) }
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
  /// Added to the variance by the normalizations.
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

  func selfAttention(_ size: Int, isCausal: Bool) -> MultiHeadAttention {
    MultiHeadAttention(
      size, heads: heads, dropout: dropout, isCausal: isCausal, window: window, rotary: rotary)
  }

  /// `x + part(norm(x))` or `norm(x + part(x))`.
  func residual(
    _ x: Tensor, _ norm: LayerNorm, _ part: (Tensor) throws -> Tensor
  ) throws -> Tensor {
    normFirst ? try x + part(norm(x)) : try norm(x + part(x))
  }
}

/// - Throws: `TensorError` unless the cache, if any, has that many layers.
func requireLayers(_ count: Int, _ cache: TransformerCache?) throws {
  guard let cache, cache.selfAttention.count != count else { return }
  throw TensorError(
    op: "transformer", "\(counted(count, "layer")), the cache has \(cache.selfAttention.count)")
}
