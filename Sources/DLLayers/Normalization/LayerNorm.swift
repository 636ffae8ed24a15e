import DLConfiguration
import DLTensor

/// Layer normalization over the last axis, or the last few together.
///
/// `y = (x - mean) / √(variance + eps) · weight + bias`, each row by its own mean and biased
/// variance. Shapes: `[..., features]`, unchanged. Ba et al. 2016. Counterpart:
/// `torch.nn.LayerNorm`.
public final class LayerNorm: BuiltInLayer {
  /// The options of ``LayerNorm`` in `model.layers`.
  package struct Options: LayerSpec {
    package static var word: String { "layer_norm" }
    /// Extents of the last axes, normalized together; the last axis unless given.
    package var normalizedShape: [Int]?
    /// Added to the variance.
    package var eps = 1e-5
    package init() {}
    package static var fields: [ConfigurationField<Self>] {
      [
        .init(
          "normalized_shape", \.normalizedShape, .layerSize,
          "extents of the last axes, normalized together; the last axis unless given"),
        .init("eps", \.eps, .above(0), "added to the variance"),
      ]
    }
    package func layer(for input: Shape) throws -> any Layer {
      LayerNorm(normalizedShape: try trailing(Self.word, input, normalizedShape), self)
    }
  }

  /// The scale, in the shape of the normalized axes, from 1.
  public let weight: Parameter
  /// The shift, in the shape of the normalized axes, from 0.
  public let bias: Parameter

  package let options: Options

  /// Makes a layer for the given number of features in the last axis.
  public convenience init(features: Int, eps: Double = 1e-5) {
    self.init(normalizedShape: [features], eps: eps)
  }

  /// Makes a layer that normalizes the last axes together, which have the given extents.
  public convenience init(normalizedShape: Shape, eps: Double = 1e-5) {
    self.init(
      normalizedShape: normalizedShape,
      .with {
        $0.normalizedShape = normalizedShape.dimensions
        $0.eps = eps
      })
  }

  /// Makes a layer over axes of the given extents by its options.
  private init(normalizedShape: Shape, _ options: Options) {
    weight = Parameter(normalizedShape, initializer: .constant(1))
    bias = Parameter(normalizedShape, initializer: .constant(0))
    self.options = options
  }

  override func forward(from x: Tensor) throws -> Tensor {
    try x.layerNorm(weight: weight.value, bias: bias.value, eps: options.eps)
  }

  /// PyTorch's counterpart takes `[batch, time, features]`.
  override var ownSequenceLayout: SequenceLayout? { .channelsLast }

  override func outputShape(from input: Shape) throws -> Shape {
    try requireTrailing("layer_norm", input, weight.shape)
    return input
  }
}

/// - Throws: `TensorError` unless `input` ends in the axes of `normalized`.
func requireTrailing(_ op: String, _ input: Shape, _ normalized: Shape) throws {
  guard input.dimensions.suffix(normalized.rank) == normalized.dimensions[...] else {
    throw TensorError(
      op: op, "input has shape \(input), expected \(normalized) in the last axes")
  }
}
