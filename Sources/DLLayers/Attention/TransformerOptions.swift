import DLCluster
import DLConfiguration
import DLCore
import DLTensor

/// The function between the two matrices of a Transformer's feed-forward part.
public enum FeedForwardActivation: String, ConfigurationWord {
  /// The function `max(x, 0)`.
  case relu
  /// The exact GELU.
  case gelu
  /// The GELU by the hyperbolic tangent, as in GPT-2.
  case geluTanh = "gelu_tanh"

  /// `linear` and then the activation.
  func after(_ linear: Linear, _ x: Tensor) throws -> Tensor {
    switch self {
    case .relu: try linear.observed(x) { try linear.forward(x, relu: true) }
    case .gelu: try linear(x, gelu: .none)
    case .geluTanh: try linear(x, gelu: .tanh)
    }
  }
}

/// The options that encoder and decoder layers share; the defaults are PyTorch's.
///
/// In `model.layers` they make a ``TransformerEncoderLayer``.
public struct TransformerOptions: LayerSpec {
  /// The name in `model.layers`.
  public static var word: String { "transformer_encoder_layer" }
  /// The number of heads, which divides the features.
  package var heads = 0
  /// The features between the two matrices of the feed-forward part.
  package var feedForward = 2048
  /// The probability of dropout, everywhere in a layer.
  package var dropout = 0.1
  /// The function between the two matrices.
  package var activation = FeedForwardActivation.relu
  /// True if each part is `x + part(norm(x))`, else `norm(x + part(x))`.
  package var normFirst = false
  /// The positions that each one sees.
  package var scope = AttentionScope()
  /// The number added to the variance by the normalizations, which no key sets.
  package var eps = 1e-5

  /// Makes the options with their defaults.
  public init() {}

  /// Makes the options.
  public init(
    heads: Int, feedForward: Int = 2048, dropout: Double = 0.1,
    activation: FeedForwardActivation = .relu, normFirst: Bool = false, eps: Double = 1e-5,
    isCausal: Bool = false, window: Int? = nil, rotary: RotaryPositions = .init(.none)
  ) {
    self.heads = heads
    self.feedForward = feedForward
    self.dropout = dropout
    self.activation = activation
    self.normFirst = normFirst
    self.eps = eps
    scope = AttentionScope(causal: isCausal, window: window, rotary: rotary)
  }

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
    ] + AttentionScope.fields(in: \Self.scope)
  }

  /// Makes the layer for inputs of shape `[batch] + input`.
  ///
  /// - Throws: ``TensorError`` for inputs that are no sequences.
  public func layer(for input: Shape) throws -> any Layer {
    TransformerEncoderLayer(features: try sequenceFeatures(Self.word, input), self)
  }

  func attention(_ features: Int, _ scope: AttentionScope) -> MultiHeadAttention {
    MultiHeadAttention(
      features: features,
      .with {
        $0.heads = heads
        $0.dropout = dropout
        $0.scope = scope
      })
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
