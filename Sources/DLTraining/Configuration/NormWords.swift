/// Group normalisation over the last axis (Wu and He, 2018).
public struct GroupNormWord: LayerWord {
  /// The word as written in `model.layers`.
  public static var word: String { "group_norm" }
  /// Groups of neighbouring channels.
  public var numGroups = 0
  /// Added to the variance.
  public var eps = 1e-5
  /// Whether to learn a scale and a shift per channel.
  public var affine = true
  /// Makes the options with their defaults.
  public init() {}
  /// The keys, in the order in which they are written.
  public static var fields: [ConfigurationField<Self>] {
    [
      .init(
        "num_groups", \.numGroups, .within(1...1_048_576), required: true,
        "groups of neighbouring channels"),
      .init("eps", \.eps, .above(0), "added to the variance"),
      .init("affine", \.affine, "whether to learn a scale and a shift per channel"),
    ]
  }
}

/// Instance normalisation over the last axis (Ulyanov et al., 2016).
public struct InstanceNormWord: LayerWord {
  /// The word as written in `model.layers`.
  public static var word: String { "instance_norm" }
  /// Added to the variance.
  public var eps = 1e-5
  /// Whether to learn a scale and a shift per channel.
  public var affine = false
  /// Makes the options with their defaults.
  public init() {}
  /// The keys, in the order in which they are written.
  public static var fields: [ConfigurationField<Self>] {
    [
      .init("eps", \.eps, .above(0), "added to the variance"),
      .init("affine", \.affine, "whether to learn a scale and a shift per channel"),
    ]
  }
}

/// Root mean square normalisation over the last axes (Zhang and Sennrich, 2019).
public struct RMSNormWord: LayerWord {
  /// The word as written in `model.layers`.
  public static var word: String { "rms_norm" }
  /// Extents of the last axes, normalised together; the last axis unless given.
  public var normalizedShape: [Int]?
  /// Added to the mean square; the precision's epsilon unless given.
  public var eps: Double?
  /// Whether to learn a scale per element.
  public var elementwiseAffine = true
  /// Makes the options with their defaults.
  public init() {}
  /// The keys, in the order in which they are written.
  public static var fields: [ConfigurationField<Self>] {
    [
      .init(
        "normalized_shape", \.normalizedShape, .within(1...1_048_576),
        "extents of the last axes, normalised together; the last axis unless given"),
      .init(
        "eps", \.eps, .above(0), "added to the mean square; the precision's epsilon unless given"),
      .init("elementwise_affine", \.elementwiseAffine, "whether to learn a scale per element"),
    ]
  }
}
