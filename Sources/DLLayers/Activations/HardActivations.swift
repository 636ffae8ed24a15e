import DLTensor

/// `min(max(x, 0), 6)`.
///
/// Counterpart: `torch.nn.ReLU6`.
public final class ReLU6: Module, Layer {
  /// Makes the layer.
  public required override init() {}

  /// Applies the layer.
  public func forward(_ x: Tensor) throws -> Tensor { try x.relu6() }
}

/// `min(max(x + 3, 0), 6) / 6`.
///
/// Counterpart: `torch.nn.Hardsigmoid`.
public final class HardSigmoid: Module, Layer {
  /// Makes the layer.
  public required override init() {}

  /// Applies the layer.
  public func forward(_ x: Tensor) throws -> Tensor { try x.hardSigmoid() }
}

/// `x · min(max(x + 3, 0), 6) / 6`.
///
/// Howard et al. 2019. Counterpart: `torch.nn.Hardswish`.
public final class HardSwish: Module, Layer {
  /// Makes the layer.
  public required override init() {}

  /// Applies the layer.
  public func forward(_ x: Tensor) throws -> Tensor { try x.hardSwish() }
}

extension ReLU6: OptionlessLayer {
  /// The name in `model.layers`.
  public static var word: String { "relu6" }
}

extension HardSigmoid: OptionlessLayer {
  /// The name in `model.layers`.
  public static var word: String { "hardsigmoid" }
}

extension HardSwish: OptionlessLayer {
  /// The name in `model.layers`.
  public static var word: String { "hardswish" }
}
