import DLConfiguration
import DLTensor

/// The largest value under a window.
///
/// Padding counts as minus infinity.
///
/// Shapes: `[batch, height, width, channels]` to `[batch, oh, ow, channels]`. Counterpart:
/// `torch.nn.MaxPool2d`.
public final class MaxPool2d: BuiltInLayer {
  /// The options of ``MaxPool2d`` in `model.layers`.
  package struct Options: LayerSpec {
    package static var word: String { "max_pool2d" }
    /// Window, one integer or [height, width].
    package var kernel = Size2d(1)
    /// Stride; the window unless given.
    package var stride = Size2d(1)
    /// Padding on each side, at most half of the window.
    package var padding = Size2d(0)
    /// Distance of the window's taps, one integer or [height, width].
    package var dilation = Size2d(1)
    /// True if the last window may overhang.
    package var ceilMode = false
    package init() {}
    package static var fields: [ConfigurationField<Self>] {
      [
        .init(
          "kernel", \.kernel, .windowExtent, required: true,
          "window, one integer or [height, width]"),
        .init("stride", \.stride, .windowExtent, following: "kernel", "stride"),
        .init(
          "padding", \.padding, .windowMargin, "padding on each side, at most half of the window"),
        .init(
          "dilation", \.dilation, .windowExtent,
          "distance of the window's taps, one integer or [height, width]"),
        .init("ceil_mode", \.ceilMode, "whether the last window may overhang"),
      ]
    }
    /// Completes defaults that depend on other values.
    package mutating func resolve(given: Set<String>) {
      if !given.contains("stride") { stride = kernel }
    }
    package func problems() -> [ConfigurationProblem] { poolPaddingProblems(kernel, padding) }
    package func layer(for input: Shape) -> any Layer { MaxPool2d(self) }
  }

  /// The window's extents.
  package let window: Window2d
  package let options: Options

  /// Makes a pooling layer by its options.
  package init(_ options: Options) {
    self.options = options
    window = Window2d(
      kernel: options.kernel, stride: options.stride, padding: options.padding,
      dilation: options.dilation)
  }

  /// Makes a pooling layer; the stride is the kernel's size by default.
  public convenience init(
    kernelSize: Size2d, stride: Size2d? = nil, padding: Size2d = 0, dilation: Size2d = 1,
    ceilMode: Bool = false
  ) {
    self.init(
      .with {
        $0.kernel = kernelSize
        $0.stride = stride ?? kernelSize
        $0.padding = padding
        $0.dilation = dilation
        $0.ceilMode = ceilMode
      })
  }

  override func forward(from x: Tensor) throws -> Tensor {
    try x.maxPool2d(window, ceilMode: options.ceilMode)
  }

  /// The positions under its window.
  override var ownReceptiveField: ReceptiveField { .window(window) }

  override func outputShape(from input: Shape) throws -> Shape {
    try window.pooled(op: "max_pool2d", input, options.ceilMode)
  }
}

/// The mean of the values under a window.
///
/// Shapes: `[batch, height, width, channels]` to `[batch, oh, ow, channels]`. Counterpart:
/// `torch.nn.AvgPool2d`.
public final class AvgPool2d: BuiltInLayer {
  /// The options of ``AvgPool2d`` in `model.layers`.
  package struct Options: LayerSpec {
    package static var word: String { "avg_pool2d" }
    /// Window, one integer or [height, width].
    package var kernel = Size2d(1)
    /// Stride; the window unless given.
    package var stride = Size2d(1)
    /// Padding on each side, at most half of the window.
    package var padding = Size2d(0)
    /// True if padding counts in the average.
    package var countIncludePad = true
    /// True if the last window may overhang.
    package var ceilMode = false
    package init() {}
    package static var fields: [ConfigurationField<Self>] {
      [
        .init(
          "kernel", \.kernel, .windowExtent, required: true,
          "window, one integer or [height, width]"),
        .init("stride", \.stride, .windowExtent, following: "kernel", "stride"),
        .init(
          "padding", \.padding, .windowMargin, "padding on each side, at most half of the window"),
        .init("count_include_pad", \.countIncludePad, "whether padding counts in the average"),
        .init("ceil_mode", \.ceilMode, "whether the last window may overhang"),
      ]
    }
    /// Completes defaults that depend on other values.
    package mutating func resolve(given: Set<String>) {
      if !given.contains("stride") { stride = kernel }
    }
    package func problems() -> [ConfigurationProblem] { poolPaddingProblems(kernel, padding) }
    package func layer(for input: Shape) -> any Layer { AvgPool2d(self) }
  }

  /// The window's extents.
  package let window: Window2d
  package let options: Options

  /// Makes a pooling layer by its options.
  package init(_ options: Options) {
    self.options = options
    window = Window2d(kernel: options.kernel, stride: options.stride, padding: options.padding)
  }

  /// Makes a pooling layer; the stride is the kernel's size by default.
  public convenience init(
    kernelSize: Size2d, stride: Size2d? = nil, padding: Size2d = 0, countIncludePad: Bool = true,
    ceilMode: Bool = false
  ) {
    self.init(
      .with {
        $0.kernel = kernelSize
        $0.stride = stride ?? kernelSize
        $0.padding = padding
        $0.countIncludePad = countIncludePad
        $0.ceilMode = ceilMode
      })
  }

  override func forward(from x: Tensor) throws -> Tensor {
    try x.avgPool2d(
      window, countIncludePad: options.countIncludePad, ceilMode: options.ceilMode)
  }

  /// The positions under its window.
  override var ownReceptiveField: ReceptiveField { .window(window) }

  override func outputShape(from input: Shape) throws -> Shape {
    try window.pooled(op: "avg_pool2d", input, options.ceilMode)
  }
}

/// The mean over height and width.
///
/// Shapes: `[batch, height, width, channels]` to `[batch, channels]`. Counterpart:
/// `torch.nn.AdaptiveAvgPool2d(1)` and a flatten.
public final class GlobalAvgPool2d: PlainLayer {
  override class var ownWord: String { "global_avg_pool2d" }

  override func forward(from x: Tensor) throws -> Tensor { try x.globalAvgPool2d() }

  /// All positions.
  override var ownReceptiveField: ReceptiveField { .everything }

  override func outputShape(from input: Shape) throws -> Shape {
    try requirePixels(Self.word, input)
    return [input[2]]
  }
}

extension Window2d {
  fileprivate func pooled(op: String, _ input: Shape, _ ceilMode: Bool) throws -> Shape {
    guard input.rank == 3 else {
      throw TensorError(
        op: op, "input has shape \(input), expected [height, width, channels]")
    }
    let size = try poolOutput(op: op, height: input[0], width: input[1], ceilMode: ceilMode)
    return [size.height, size.width, input[2]]
  }
}

func poolPaddingProblems(_ kernel: Size2d, _ padding: Size2d) -> [ConfigurationProblem] {
  guard 2 * padding.height > kernel.height || 2 * padding.width > kernel.width else { return [] }
  return [.init("padding", "kernel", message: "padding is more than half of the window")]
}
