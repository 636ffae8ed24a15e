import DLConfiguration
import DLTensor

/// Group normalization: each sample and each group of neighboring channels by its own mean and
/// biased variance.
///
/// `y = (x - mean) / √(variance + eps) · weight + bias`; of rows that are filled up the valid
/// positions alone count. Shapes: `[batch, ..., channels]`, unchanged. Wu and He 2018. Counterpart:
/// `torch.nn.GroupNorm`.
public final class GroupNorm: BuiltInLayer {
  /// The options of ``GroupNorm`` in `model.layers`.
  package struct Options: LayerSpec {
    package static var word: String { "group_norm" }
    /// Groups of neighboring channels.
    package var numGroups = 0
    /// Added to the variance.
    package var eps = 1e-5
    /// True to learn a scale and a shift per channel.
    package var affine = true
    package init() {}
    package static var fields: [ConfigurationField<Self>] {
      [
        .init(
          "num_groups", \.numGroups, .within(1...1_048_576), required: true,
          "groups of neighboring channels"),
        .init("eps", \.eps, .above(0), "added to the variance"),
        .init("affine", \.affine, "whether to learn a scale and a shift per channel"),
      ]
    }
    package func layer(for input: Shape) throws -> any Layer {
      GroupNorm(channels: try features(Self.word, input), self)
    }
  }

  /// The scale, `[channels]`, from 1.
  public let weight: Parameter?
  /// The shift, `[channels]`, from 0.
  public let bias: Parameter?

  package let options: Options
  private let channels: Int

  /// Makes a layer for the given number of groups and of channels.
  public convenience init(
    groups: Int, channels: Int, eps: Double = 1e-5, affine: Bool = true
  ) {
    self.init(
      channels: channels,
      .with {
        $0.numGroups = groups
        $0.eps = eps
        $0.affine = affine
      })
  }

  /// Makes a layer for the given number of channels by its options.
  package init(channels: Int, _ options: Options) {
    self.channels = channels
    self.options = options
    weight = options.affine ? Parameter([channels], initializer: .constant(1)) : nil
    bias = options.affine ? Parameter([channels], initializer: .constant(0)) : nil
  }

  override func forward(from x: Tensor) throws -> Tensor {
    try x.groupNorm(
      groups: options.numGroups, weight: weight?.value, bias: bias?.value, eps: options.eps)
  }

  override func outputShape(from input: Shape) throws -> Shape {
    try requireTrailing("group_norm", input, [channels])
    guard options.numGroups > 0, channels.isMultiple(of: options.numGroups) else {
      throw TensorError(
        op: "group_norm", "\(channels) channels do not divide into \(options.numGroups) groups")
    }
    return input
  }
}

/// Instance normalization: each sample and channel by its own mean and biased variance, of rows that
/// are filled up over the valid positions alone.
///
/// Shapes: `[batch, ..., channels]`, unchanged. Ulyanov et al. 2016. Counterpart:
/// `torch.nn.InstanceNorm2d` without running statistics.
public final class InstanceNorm: BuiltInLayer {
  /// The options of ``InstanceNorm`` in `model.layers`.
  package struct Options: LayerSpec {
    package static var word: String { "instance_norm" }
    /// Added to the variance.
    package var eps = 1e-5
    /// True to learn a scale and a shift per channel.
    package var affine = false
    package init() {}
    package static var fields: [ConfigurationField<Self>] {
      [
        .init("eps", \.eps, .above(0), "added to the variance"),
        .init("affine", \.affine, "whether to learn a scale and a shift per channel"),
      ]
    }
    package func layer(for input: Shape) throws -> any Layer {
      InstanceNorm(features: try features(Self.word, input), self)
    }
  }

  /// The scale, `[channels]`, from 1.
  public let weight: Parameter?
  /// The shift, `[channels]`, from 0.
  public let bias: Parameter?

  package let options: Options
  private let channels: Int

  /// Makes a layer for the given number of channels.
  public convenience init(features: Int, eps: Double = 1e-5, affine: Bool = false) {
    self.init(
      features: features,
      .with {
        $0.eps = eps
        $0.affine = affine
      })
  }

  /// Makes a layer for the given number of channels by its options.
  package init(features: Int, _ options: Options) {
    channels = features
    self.options = options
    weight = options.affine ? Parameter([features], initializer: .constant(1)) : nil
    bias = options.affine ? Parameter([features], initializer: .constant(0)) : nil
  }

  override func forward(from x: Tensor) throws -> Tensor {
    try x.instanceNorm(weight: weight?.value, bias: bias?.value, eps: options.eps)
  }

  override func outputShape(from input: Shape) throws -> Shape {
    try requireTrailing("instance_norm", input, [channels])
    guard input.rank >= 2, input.product(0..<input.rank - 1) > 1 else {
      throw TensorError(
        op: "instance_norm", "input has shape \(input), expected several values per channel")
    }
    return input
  }
}
