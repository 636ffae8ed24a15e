import DLTensor

/// The largest value under a window.
///
/// Padding counts as minus infinity.
///
/// Shapes: `[batch, height, width, channels]` to `[batch, oh, ow, channels]`. Counterpart:
/// `torch.nn.MaxPool2d`.
public final class MaxPool2d: Module, Layer {
  /// The window's extents.
  public let window: Window2d

  /// Makes a pooling layer; the stride is the kernel's size by default.
  public init(kernel: Size2d, stride: Size2d? = nil, padding: Size2d = 0) {
    window = Window2d(kernel: kernel, stride: stride ?? kernel, padding: padding)
  }

  /// Applies the layer.
  public func forward(_ x: Tensor) throws -> Tensor { try x.maxPool2d(window) }

  /// The output's shape without its batch axis.
  public func outputShape(for input: Shape) throws -> Shape {
    try window.pooled(op: "max_pool2d", input)
  }
}

/// The mean of the values under a window.
///
/// Shapes: `[batch, height, width, channels]` to `[batch, oh, ow, channels]`. Counterpart:
/// `torch.nn.AvgPool2d`.
public final class AvgPool2d: Module, Layer {
  /// The window's extents.
  public let window: Window2d
  /// Whether the divisor counts padded positions.
  public let countIncludePad: Bool

  /// Makes a pooling layer; the stride is the kernel's size by default.
  public init(
    kernel: Size2d, stride: Size2d? = nil, padding: Size2d = 0, countIncludePad: Bool = true
  ) {
    window = Window2d(kernel: kernel, stride: stride ?? kernel, padding: padding)
    self.countIncludePad = countIncludePad
  }

  /// Applies the layer.
  public func forward(_ x: Tensor) throws -> Tensor {
    try x.avgPool2d(window, countIncludePad: countIncludePad)
  }

  /// The output's shape without its batch axis.
  public func outputShape(for input: Shape) throws -> Shape {
    try window.pooled(op: "avg_pool2d", input)
  }
}

/// The mean over height and width.
///
/// Shapes: `[batch, height, width, channels]` to `[batch, channels]`. Counterpart:
/// `torch.nn.AdaptiveAvgPool2d(1)` and a flatten.
public final class GlobalAvgPool2d: Module, Layer {
  /// Makes a pooling layer.
  public override init() {}

  /// Applies the layer.
  public func forward(_ x: Tensor) throws -> Tensor { try x.globalAvgPool2d() }

  /// The output's shape without its batch axis.
  public func outputShape(for input: Shape) throws -> Shape {
    guard input.rank == 3, input[0] * input[1] > 0 else {
      throw TensorError(
        op: "global_avg_pool2d",
        "input has shape \(input), expected [height, width, channels] of one pixel or more")
    }
    return [input[2]]
  }
}

extension Window2d {
  fileprivate func pooled(op: String, _ input: Shape) throws -> Shape {
    guard input.rank == 3 else {
      throw TensorError(
        op: op, "input has shape \(input), expected [height, width, channels]")
    }
    let size = try poolOutput(op: op, height: input[0], width: input[1])
    return [size.height, size.width, input[2]]
  }
}
