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
    /// True if there are a scale and a shift for each element.
    package var elementwiseAffine = true
    /// True if there is a shift beside the scale.
    package var bias = true
    package init() {}
    package static var fields: [ConfigurationField<Self>] {
      [
        .init(
          "normalized_shape", \.normalizedShape, .layerSize,
          "extents of the last axes, normalized together; the last axis unless given"),
        .init("eps", \.eps, .above(0), "added to the variance"),
        .init(
          "elementwise_affine", \.elementwiseAffine,
          "whether to learn a scale and a shift per element"),
        .init("bias", \.bias, "whether to learn the shift, where a scale is learned"),
      ]
    }
    package static var unwrittenDefaults: Set<String> { ["elementwise_affine", "bias"] }
    package func layer(for input: Shape) throws -> any Layer {
      LayerNorm(normalizedShape: try trailing(Self.word, input, normalizedShape), self)
    }
  }

  /// The scale, in the shape of the normalized axes, from 1; nil for none.
  public let weight: Parameter?
  /// The shift, in the shape of the normalized axes, from 0; nil for none.
  public let bias: Parameter?

  package let options: Options
  /// The extents of the axes that are normalized together.
  package let normalizedShape: Shape

  /// Makes a layer for the given number of features in the last axis.
  public convenience init(
    features: Int, eps: Double = 1e-5, elementwiseAffine: Bool = true, bias: Bool = true
  ) {
    self.init(
      normalizedShape: [features], eps: eps, elementwiseAffine: elementwiseAffine, bias: bias)
  }

  /// Makes a layer that normalizes the last axes together, which have the given extents.
  public convenience init(
    normalizedShape: Shape, eps: Double = 1e-5, elementwiseAffine: Bool = true, bias: Bool = true
  ) {
    self.init(
      normalizedShape: normalizedShape,
      .with {
        $0.normalizedShape = normalizedShape.dimensions
        $0.eps = eps
        $0.elementwiseAffine = elementwiseAffine
        $0.bias = bias
      })
  }

  /// Makes a layer over axes of the given extents by its options.
  private init(normalizedShape: Shape, _ options: Options) {
    let isAffine = options.elementwiseAffine
    weight = isAffine ? Parameter(normalizedShape, initializer: .constant(1)) : nil
    bias = isAffine && options.bias ? Parameter(normalizedShape, initializer: .constant(0)) : nil
    self.options = options
    self.normalizedShape = normalizedShape
  }

  override func forward(from x: Tensor) throws -> Tensor {
    try x.layerNorm(
      weight: weight?.value, bias: bias?.value, eps: options.eps, axes: normalizedShape.rank)
  }

  /// PyTorch's counterpart takes `[batch, time, features]`.
  override var ownSequenceLayout: SequenceLayout? { .channelsLast }

  override func outputShape(from input: Shape) throws -> Shape {
    try requireTrailing("layer_norm", input, normalizedShape)
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
