import DLConfiguration
import DLTensor

/// Root mean square normalization over the last axis, or the last few together.
///
/// `y = x / √(mean(x²) + eps) · weight`. Shapes: `[..., features]`, unchanged. Zhang and Sennrich
/// 2019. Counterpart: `torch.nn.RMSNorm`.
public final class RMSNorm: BuiltInLayer {
  /// The options of ``RMSNorm`` in `model.layers`.
  package struct Options: LayerSpec {
    package static var word: String { "rms_norm" }
    /// Extents of the last axes, normalized together; the last axis unless given.
    package var normalizedShape: [Int]?
    /// Added to the mean square; the precision's epsilon unless given.
    package var eps: Double?
    /// True to learn a scale per element.
    package var elementwiseAffine = true
    package init() {}
    package static var fields: [ConfigurationField<Self>] {
      [
        .init(
          "normalized_shape", \.normalizedShape, .within(1...1_048_576),
          "extents of the last axes, normalized together; the last axis unless given"),
        .init(
          "eps", \.eps, .above(0), "added to the mean square; the precision's epsilon unless given"),
        .init("elementwise_affine", \.elementwiseAffine, "whether to learn a scale per element"),
      ]
    }
    package func layer(for input: Shape) throws -> any Layer {
      RMSNorm(normalizedShape: try trailing(Self.word, input, normalizedShape), self)
    }
  }

  /// The scale, in the shape of the normalized axes, from 1.
  public let weight: Parameter?

  package let options: Options
  let normalizedShape: Shape

  /// Makes a layer that normalizes the last axes together, which have the given extents.
  ///
  /// - Parameter eps: the distance from 1 to the next number of the precision unless given.
  public convenience init(normalizedShape: Shape, eps: Double? = nil, affine: Bool = true) {
    self.init(
      normalizedShape: normalizedShape,
      .with {
        $0.normalizedShape = normalizedShape.dimensions
        $0.eps = eps
        $0.elementwiseAffine = affine
      })
  }

  /// Makes a layer over axes of the given extents by its options.
  private init(normalizedShape: Shape, _ options: Options) {
    self.normalizedShape = normalizedShape
    self.options = options
    weight =
      options.elementwiseAffine ? Parameter(normalizedShape, initializer: .constant(1)) : nil
  }

  override func forward(from x: Tensor) throws -> Tensor {
    try x.rmsNorm(weight: weight?.value, eps: options.eps, axes: normalizedShape.rank)
  }

  /// PyTorch's counterpart takes `[batch, time, features]`.
  override var ownSequenceLayout: SequenceLayout? { .channelsLast }

  override func outputShape(from input: Shape) throws -> Shape {
    try requireTrailing("rms_norm", input, normalizedShape)
    return input
  }
}
