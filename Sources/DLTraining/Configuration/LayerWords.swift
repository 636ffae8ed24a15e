// Sizes are bounded so that products of four of them stay within an Int.
private let size = ConfigurationRule.within(1...1_048_576)
private let window = ConfigurationRule.within(1...1024)
private let margin = ConfigurationRule.within(0...1024)

extension LayerConfiguration {
  /// The layer words: add a struct below and its type here, and its builder to the model builder.
  public static var words: [any LayerWord.Type] {
    [
      Conv2dWord.self, BatchNormWord.self, LayerNormWord.self, GroupNormWord.self,
      InstanceNormWord.self, RMSNormWord.self, ReluWord.self, LeakyReluWord.self,
      SigmoidWord.self, TanhWord.self, GeluWord.self, SiluWord.self, SoftmaxWord.self,
      LogSoftmaxWord.self, Relu6Word.self, HardSigmoidWord.self, HardSwishWord.self, EluWord.self,
      SeluWord.self, SoftplusWord.self, PreluWord.self, MaxoutWord.self, MaxPool2dWord.self,
      AvgPool2dWord.self, GlobalAvgPool2dWord.self, ResidualWord.self,
      FlattenWord.self, DropoutWord.self, LinearWord.self,
    ]
  }
}

/// A convolution over `[batch, height, width, channels]`; input channels come from the data.
public struct Conv2dWord: LayerWord {
  /// The word as written in `model.layers`.
  public static var word: String { "conv2d" }
  /// Output channels.
  public var out = 0
  /// Kernel size, one integer or [height, width].
  public var kernel = Extent2D(1)
  /// Stride, one integer or [height, width].
  public var stride = Extent2D(1)
  /// Zero padding on each side, one integer or [height, width].
  public var padding = Extent2D(0)
  /// Whether to add a bias per channel.
  public var bias = true
  /// Makes the options with their defaults.
  public init() {}
  /// The keys, in the order in which they are written.
  public static var fields: [ConfigurationField<Self>] {
    [
      .init("out", \.out, size, required: true, "output channels"),
      .init(
        "kernel", \.kernel, window, required: true, "kernel size, one integer or [height, width]"),
      .init("stride", \.stride, window, "stride, one integer or [height, width]"),
      .init(
        "padding", \.padding, margin, "zero padding on each side, one integer or [height, width]"),
      .init("bias", \.bias, "whether to add a bias per channel"),
    ]
  }
}

/// Batch normalisation over the last axis, with statistics over all ranks where the job says so.
public struct BatchNormWord: LayerWord {
  /// The word as written in `model.layers`.
  public static var word: String { "batch_norm" }
  /// Added to the variance.
  public var eps = 1e-5
  /// Weight of the batch in the running statistics; the average over all batches if null.
  public var momentum: Double? = 0.1
  /// Whether to learn a scale and a shift per channel.
  public var affine = true
  /// Makes the options with their defaults.
  public init() {}
  /// The keys, in the order in which they are written.
  public static var fields: [ConfigurationField<Self>] {
    [
      .init("eps", \.eps, .above(0), "added to the variance"),
      .init(
        "momentum", \.momentum, .within(0...1),
        "weight of the batch in the running statistics; null for the average over all batches"),
      .init("affine", \.affine, "whether to learn a scale and a shift per channel"),
    ]
  }
}

/// Layer normalisation over the last axes.
public struct LayerNormWord: LayerWord {
  /// The word as written in `model.layers`.
  public static var word: String { "layer_norm" }
  /// Extents of the last axes, normalised together; the last axis unless given.
  public var normalizedShape: [Int]?
  /// Added to the variance.
  public var eps = 1e-5
  /// Makes the options with their defaults.
  public init() {}
  /// The keys, in the order in which they are written.
  public static var fields: [ConfigurationField<Self>] {
    [
      .init(
        "normalized_shape", \.normalizedShape, size,
        "extents of the last axes, normalised together; the last axis unless given"),
      .init("eps", \.eps, .above(0), "added to the variance"),
    ]
  }
}

/// max(x, 0).
public struct ReluWord: LayerWord {
  /// The word as written in `model.layers`.
  public static var word: String { "relu" }
  /// Makes the options with their defaults.
  public init() {}
}

/// x where x > 0, else negative_slope * x.
public struct LeakyReluWord: LayerWord {
  /// The word as written in `model.layers`.
  public static var word: String { "leaky_relu" }
  /// Slope below zero.
  public var negativeSlope = 0.01
  /// Makes the options with their defaults.
  public init() {}
  /// The keys, in the order in which they are written.
  public static var fields: [ConfigurationField<Self>] {
    [.init("negative_slope", \.negativeSlope, "slope below zero")]
  }
}

/// 1 / (1 + exp(-x)).
public struct SigmoidWord: LayerWord {
  /// The word as written in `model.layers`.
  public static var word: String { "sigmoid" }
  /// Makes the options with their defaults.
  public init() {}
}

/// The hyperbolic tangent.
public struct TanhWord: LayerWord {
  /// The word as written in `model.layers`.
  public static var word: String { "tanh" }
  /// Makes the options with their defaults.
  public init() {}
}

/// x * Phi(x), the Gaussian error linear unit (Hendrycks and Gimpel, 2016).
public struct GeluWord: LayerWord {
  /// How Phi is computed.
  public enum Approximation: String, ConfigurationWord { case none, tanh }
  /// The word as written in `model.layers`.
  public static var word: String { "gelu" }
  /// None for erf, or tanh.
  public var approximate = Approximation.none
  /// Makes the options with their defaults.
  public init() {}
  /// The keys, in the order in which they are written.
  public static var fields: [ConfigurationField<Self>] {
    [.init("approximate", \.approximate, "none for erf, or tanh")]
  }
}

/// x * sigmoid(x).
public struct SiluWord: LayerWord {
  /// The word as written in `model.layers`.
  public static var word: String { "silu" }
  /// Makes the options with their defaults.
  public init() {}
}

/// The softmax over the last axis.
public struct SoftmaxWord: LayerWord {
  /// The word as written in `model.layers`.
  public static var word: String { "softmax" }
  /// Makes the options with their defaults.
  public init() {}
}

/// Max pooling; padding never wins.
public struct MaxPool2dWord: LayerWord {
  /// The word as written in `model.layers`.
  public static var word: String { "max_pool2d" }
  /// Window, one integer or [height, width].
  public var kernel = Extent2D(1)
  /// Stride; the window unless given.
  public var stride = Extent2D(1)
  /// Padding on each side, at most half of the window.
  public var padding = Extent2D(0)
  /// Makes the options with their defaults.
  public init() {}
  /// The keys, in the order in which they are written.
  public static var fields: [ConfigurationField<Self>] {
    [
      .init("kernel", \.kernel, window, required: true, "window, one integer or [height, width]"),
      .init("stride", \.stride, window, "stride; the window unless given"),
      .init("padding", \.padding, margin, "padding on each side, at most half of the window"),
    ]
  }
  /// Completes defaults that depend on other values.
  public mutating func resolve(given: Set<String>) {
    if !given.contains("stride") { stride = kernel }
  }
  /// Faults that concern several keys at once.
  public func problems() -> [ConfigurationProblem] { poolPaddingProblems(kernel, padding) }
}

/// Average pooling.
public struct AvgPool2dWord: LayerWord {
  /// The word as written in `model.layers`.
  public static var word: String { "avg_pool2d" }
  /// Window, one integer or [height, width].
  public var kernel = Extent2D(1)
  /// Stride; the window unless given.
  public var stride = Extent2D(1)
  /// Padding on each side, at most half of the window.
  public var padding = Extent2D(0)
  /// Whether padding counts in the average.
  public var countIncludePad = true
  /// Makes the options with their defaults.
  public init() {}
  /// The keys, in the order in which they are written.
  public static var fields: [ConfigurationField<Self>] {
    [
      .init("kernel", \.kernel, window, required: true, "window, one integer or [height, width]"),
      .init("stride", \.stride, window, "stride; the window unless given"),
      .init("padding", \.padding, margin, "padding on each side, at most half of the window"),
      .init("count_include_pad", \.countIncludePad, "whether padding counts in the average"),
    ]
  }
  /// Completes defaults that depend on other values.
  public mutating func resolve(given: Set<String>) {
    if !given.contains("stride") { stride = kernel }
  }
  /// Faults that concern several keys at once.
  public func problems() -> [ConfigurationProblem] { poolPaddingProblems(kernel, padding) }
}

private func poolPaddingProblems(_ kernel: Extent2D, _ padding: Extent2D) -> [ConfigurationProblem]
{
  guard 2 * padding.height > kernel.height || 2 * padding.width > kernel.width else { return [] }
  return [.init("padding", "kernel", message: "padding is more than half of the window")]
}

/// The average over height and width: `[batch, height, width, channels]` to `[batch, channels]`.
public struct GlobalAvgPool2dWord: LayerWord {
  /// The word as written in `model.layers`.
  public static var word: String { "global_avg_pool2d" }
  /// Makes the options with their defaults.
  public init() {}
}

/// layers(x) + shortcut(x), or layers(x) + x without a shortcut.
public struct ResidualWord: LayerWord {
  /// The word as written in `model.layers`.
  public static var word: String { "residual" }
  /// The branch.
  public var layers: [LayerConfiguration] = []
  /// Layers on the shortcut; the identity unless given.
  public var shortcut: [LayerConfiguration]?
  /// Makes the options with their defaults.
  public init() {}
  /// The keys, in the order in which they are written.
  public static var fields: [ConfigurationField<Self>] {
    [
      .init("layers", \.layers, required: true, "the branch"),
      .init("shortcut", \.shortcut, "layers on the shortcut; the identity unless given"),
    ]
  }
  /// Faults that concern several keys at once.
  public func problems() -> [ConfigurationProblem] {
    layers.isEmpty ? [.init("layers", message: "a residual needs at least one layer")] : []
  }
}

/// `[batch, height, width, channels]` to `[batch, channels * height * width]`, in that order.
public struct FlattenWord: LayerWord {
  /// The word as written in `model.layers`.
  public static var word: String { "flatten" }
  /// Makes the options with their defaults.
  public init() {}
}

/// Zeroes elements with probability p while training and scales the others by 1 / (1 - p).
public struct DropoutWord: LayerWord {
  /// The word as written in `model.layers`.
  public static var word: String { "dropout" }
  /// The probability to zero an element.
  public var p = 0.5
  /// Makes the options with their defaults.
  public init() {}
  /// The keys, in the order in which they are written.
  public static var fields: [ConfigurationField<Self>] {
    [.init("p", \.p, .within(0..<1), "the probability to zero an element")]
  }
}

/// x W' + b; the number of inputs comes from the data.
public struct LinearWord: LayerWord {
  /// The word as written in `model.layers`.
  public static var word: String { "linear" }
  /// Outputs.
  public var out = 0
  /// Whether to add a bias per output.
  public var bias = true
  /// Makes the options with their defaults.
  public init() {}
  /// The keys, in the order in which they are written.
  public static var fields: [ConfigurationField<Self>] {
    [
      .init("out", \.out, size, required: true, "outputs"),
      .init("bias", \.bias, "whether to add a bias per output"),
    ]
  }
}
