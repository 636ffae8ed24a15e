import DLTensor

/// The largest value over height and width.
///
/// Shapes: `[batch, height, width, channels]` to `[batch, channels]`. Counterpart:
/// `torch.nn.AdaptiveMaxPool2d(1)` and a flatten.
public final class GlobalMaxPool2d: PlainLayer {
  override class var ownWord: String { "global_max_pool2d" }

  override func forward(from x: Tensor) throws -> Tensor { try x.globalMaxPool2d() }

  /// All positions.
  override var ownReceptiveField: ReceptiveField { .everything }

  override func outputShape(from input: Shape) throws -> Shape {
    try requirePixels(Self.word, input)
    return [input[2]]
  }
}

/// The mean over the valid positions of a sequence.
///
/// Shapes: `[batch, length, channels]` to `[batch, channels]`. Counterpart:
/// `torch.nn.AdaptiveAvgPool1d(1)` and a flatten.
public final class GlobalAvgPool1d: PlainLayer {
  override class var ownWord: String { "global_avg_pool1d" }

  override func forward(from x: Tensor) throws -> Tensor { try x.validAvgPool1d() }

  /// All positions.
  override var ownReceptiveField: ReceptiveField { .everything }

  override func outputShape(from input: Shape) throws -> Shape {
    try requireElements(Self.word, input)
    return [input[1]]
  }
}

/// The largest value over the valid positions of a sequence.
///
/// Shapes: `[batch, length, channels]` to `[batch, channels]`. Counterpart:
/// `torch.nn.AdaptiveMaxPool1d(1)` and a flatten.
public final class GlobalMaxPool1d: PlainLayer {
  override class var ownWord: String { "global_max_pool1d" }

  override func forward(from x: Tensor) throws -> Tensor { try x.validMaxPool1d() }

  /// All positions.
  override var ownReceptiveField: ReceptiveField { .everything }

  override func outputShape(from input: Shape) throws -> Shape {
    try requireElements(Self.word, input)
    return [input[1]]
  }
}
