import DLConfiguration
import DLTensor

/// The largest value under a window over a sequence.
///
/// Padding counts as minus infinity.
///
/// Shapes: `[batch, length, channels]` to `[batch, ol, channels]`. Counterpart:
/// `torch.nn.MaxPool1d`.
public final class MaxPool1d: BuiltInLayer {
  /// The options of ``MaxPool1d`` in `model.layers`.
  package struct Options: LayerSpec {
    package static var word: String { "max_pool1d" }
    /// Window.
    package var kernel = 1
    /// Stride; the window unless given.
    package var stride = 1
    /// Padding on each side, at most half of the window.
    package var padding = 0
    /// Distance of the window's taps.
    package var dilation = 1
    /// True if the last window may overhang.
    package var ceilMode = false
    package init() {}
    package static var fields: [ConfigurationField<Self>] {
      [
        .init("kernel", \.kernel, .windowExtent, required: true, "window"),
        .init("stride", \.stride, .windowExtent, following: "kernel", "stride"),
        .init(
          "padding", \.padding, .windowMargin, "padding on each side, at most half of the window"),
        .init("dilation", \.dilation, .windowExtent, "distance of the window's taps"),
        .init("ceil_mode", \.ceilMode, "whether the last window may overhang"),
      ]
    }
    /// Completes defaults that depend on other values.
    package mutating func resolve(given: Set<String>) {
      if !given.contains("stride") { stride = kernel }
    }
    package func problems() -> [ConfigurationProblem] {
      poolPaddingProblems(Size2d(1, kernel), Size2d(0, padding))
    }
    package func layer(for input: Shape) -> any Layer { MaxPool1d(self) }
  }

  /// The window's extents, over images of one row.
  package let window: Window2d
  package let options: Options

  /// Makes a pooling layer by its options.
  package init(_ options: Options) {
    self.options = options
    window = .row(
      kernel: options.kernel, stride: options.stride, padding: options.padding,
      dilation: options.dilation)
  }

  /// Makes a pooling layer; the stride is the kernel's size by default.
  public convenience init(
    kernelSize: Int, stride: Int? = nil, padding: Int = 0, dilation: Int = 1,
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
    let y = try x.paddingFilled(-.infinity).maxPool1d(
      kernel: options.kernel, stride: options.stride, padding: options.padding,
      dilation: options.dilation, ceilMode: options.ceilMode)
    // What lies behind the last window is finite again.
    y.lengths = try lengths(of: y, input: x)
    return try y.paddingFilled()
  }

  /// As many windows as fit into a row by itself.
  override func lengths(of output: Tensor, from input: Tensor) throws -> Tensor? {
    try input.lengths?.lengths(behind: window, upTo: output.shape[1])
  }

  /// The positions under its window.
  override var ownReceptiveField: ReceptiveField { .window(window) }

  /// PyTorch's counterpart takes `[batch, channels, length]`.
  override var ownSequenceLayout: SequenceLayout? { .channelsFirst }

  override func outputShape(from input: Shape) throws -> Shape {
    try window.pooledRow(op: "max_pool1d", input, options.ceilMode)
  }
}

/// The mean of the values under a window over a sequence.
///
/// Shapes: `[batch, length, channels]` to `[batch, ol, channels]`. Counterpart:
/// `torch.nn.AvgPool1d`.
public final class AvgPool1d: BuiltInLayer {
  /// The options of ``AvgPool1d`` in `model.layers`.
  package struct Options: LayerSpec {
    package static var word: String { "avg_pool1d" }
    /// Window.
    package var kernel = 1
    /// Stride; the window unless given.
    package var stride = 1
    /// Padding on each side, at most half of the window.
    package var padding = 0
    /// True if padding counts in the average.
    package var countIncludePad = true
    /// True if the last window may overhang.
    package var ceilMode = false
    package init() {}
    package static var fields: [ConfigurationField<Self>] {
      [
        .init("kernel", \.kernel, .windowExtent, required: true, "window"),
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
    package func problems() -> [ConfigurationProblem] {
      poolPaddingProblems(Size2d(1, kernel), Size2d(0, padding))
    }
    package func layer(for input: Shape) -> any Layer { AvgPool1d(self) }
  }

  /// The window's extents, over images of one row.
  package let window: Window2d
  package let options: Options

  /// Makes a pooling layer by its options.
  package init(_ options: Options) {
    self.options = options
    window = .row(kernel: options.kernel, stride: options.stride, padding: options.padding)
  }

  /// Makes a pooling layer; the stride is the kernel's size by default.
  public convenience init(
    kernelSize: Int, stride: Int? = nil, padding: Int = 0, countIncludePad: Bool = true,
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
    try x.paddingFilled().avgPool1d(
      kernel: options.kernel, stride: options.stride, padding: options.padding,
      countIncludePad: options.countIncludePad, ceilMode: options.ceilMode)
  }

  /// As many windows as fit into a row by itself.
  override func lengths(of output: Tensor, from input: Tensor) throws -> Tensor? {
    try input.lengths?.lengths(behind: window, upTo: output.shape[1])
  }

  /// The positions under its window.
  override var ownReceptiveField: ReceptiveField { .window(window) }

  /// PyTorch's counterpart takes `[batch, channels, length]`.
  override var ownSequenceLayout: SequenceLayout? { .channelsFirst }

  override func outputShape(from input: Shape) throws -> Shape {
    try window.pooledRow(op: "avg_pool1d", input, options.ceilMode)
  }
}

extension Window2d {
  fileprivate func pooledRow(op: String, _ input: Shape, _ ceilMode: Bool) throws -> Shape {
    let size = try poolOutput(
      op: op, height: 1, width: input.sequenceLength(op), ceilMode: ceilMode)
    return [size.width, input[1]]
  }
}

extension Shape {
  /// The length of `[length, channels]`.
  func sequenceLength(_ op: String) throws -> Int {
    guard rank == 2 else {
      throw TensorError(op: op, "input has shape \(self), expected [length, channels]")
    }
    return self[0]
  }
}
