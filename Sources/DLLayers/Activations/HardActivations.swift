import DLTensor

/// `min(max(x, 0), 6)`.
///
/// Counterpart: `torch.nn.ReLU6`.
public final class ReLU6: PlainLayer {
  override class var ownWord: String { "relu6" }

  override func forward(from x: Tensor) throws -> Tensor { try x.relu6() }
}

/// `min(max(x + 3, 0), 6) / 6`.
///
/// Counterpart: `torch.nn.Hardsigmoid`.
public final class HardSigmoid: PlainLayer {
  override class var ownWord: String { "hardsigmoid" }

  override func forward(from x: Tensor) throws -> Tensor { try x.hardSigmoid() }
}

/// `x · min(max(x + 3, 0), 6) / 6`.
///
/// Howard et al. 2019. Counterpart: `torch.nn.Hardswish`.
public final class HardSwish: PlainLayer {
  override class var ownWord: String { "hardswish" }

  override func forward(from x: Tensor) throws -> Tensor { try x.hardSwish() }
}
