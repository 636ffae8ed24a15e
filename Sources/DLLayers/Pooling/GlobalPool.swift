import DLTensor

/// The largest value over height and width.
///
/// Shapes: `[batch, height, width, channels]` to `[batch, channels]`. Counterpart:
/// `torch.nn.AdaptiveMaxPool2d(1)` and a flatten.
public final class GlobalMaxPool2d: Module, OptionlessLayer {
  /// The name in `model.layers`.
  public static var word: String { "global_max_pool2d" }

  /// Makes a pooling layer.
  public required override init() {}

  /// Applies the layer.
  public func forward(_ x: Tensor) throws -> Tensor { try x.globalMaxPool2d() }

  /// All positions.
  public var receptiveField: ReceptiveField { .everything }

  /// The output's shape without its batch axis.
  public func outputShape(for input: Shape) throws -> Shape {
    try requirePixels(Self.word, input)
    return [input[2]]
  }
}

/// The mean over the valid positions of a sequence.
///
/// Shapes: `[batch, length, channels]` to `[batch, channels]`. Counterpart:
/// `torch.nn.AdaptiveAvgPool1d(1)` and a flatten.
public final class GlobalAvgPool1d: Module, OptionlessLayer {
  /// The name in `model.layers`.
  public static var word: String { "global_avg_pool1d" }

  /// Makes a pooling layer.
  public required override init() {}

  /// Applies the layer.
  public func forward(_ x: Tensor) throws -> Tensor { try x.validAvgPool1d() }

  /// All positions.
  public var receptiveField: ReceptiveField { .everything }

  /// The output's shape without its batch axis.
  public func outputShape(for input: Shape) throws -> Shape {
    try requireElements(Self.word, input)
    return [input[1]]
  }
}

/// The largest value over the valid positions of a sequence.
///
/// Shapes: `[batch, length, channels]` to `[batch, channels]`. Counterpart:
/// `torch.nn.AdaptiveMaxPool1d(1)` and a flatten.
public final class GlobalMaxPool1d: Module, OptionlessLayer {
  /// The name in `model.layers`.
  public static var word: String { "global_max_pool1d" }

  /// Makes a pooling layer.
  public required override init() {}

  /// Applies the layer.
  public func forward(_ x: Tensor) throws -> Tensor { try x.validMaxPool1d() }

  /// All positions.
  public var receptiveField: ReceptiveField { .everything }

  /// The output's shape without its batch axis.
  public func outputShape(for input: Shape) throws -> Shape {
    try requireElements(Self.word, input)
    return [input[1]]
  }
}
