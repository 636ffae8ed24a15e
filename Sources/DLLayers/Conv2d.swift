import DLConfiguration
import DLTensor

/// A two-dimensional convolution (cross-correlation) over images.
///
/// Shapes: `[batch, height, width, in]` to `[batch, oh, ow, out]` with `oh = (height + 2·padding -
/// kernel) / stride + 1`. The weight is `[kernel height, kernel width, in, out]` in memory and
/// `[out, in, kh, kw]` in files. Counterpart: `torch.nn.Conv2d`.
public final class Conv2d: Module, ReLUFusing {
  /// The weight, `[kernel height, kernel width, in, out]`.
  public let weight: Parameter
  /// The bias, `[out]`.
  public let bias: Parameter?
  /// The window's extents.
  public let window: Window2d

  /// Makes a convolution from `input` to `output` channels.
  public init(
    _ input: Int, _ output: Int, kernel: Size2d, stride: Size2d = 1, padding: Size2d = 0,
    bias: Bool = true
  ) {
    window = Window2d(kernel: kernel, stride: stride, padding: padding)
    let fanIn = input * kernel.height * kernel.width
    weight = Parameter(
      [kernel.height, kernel.width, input, output], layout: .convolution,
      initializer: .fanIn(fanIn))
    self.bias = bias ? Parameter([output], initializer: .fanIn(fanIn)) : nil
  }

  /// Applies the layer, and a ReLU behind it if `relu`.
  public func forward(_ x: Tensor, relu: Bool) throws -> Tensor {
    try x.conv2d(
      weight.value, bias: bias?.value, stride: window.stride, padding: window.padding, relu: relu)
  }

  /// The output's shape without its batch axis.
  public func outputShape(for input: Shape) throws -> Shape {
    guard input.rank == 3, input[2] == weight.shape[2] else {
      throw TensorError(
        op: "conv2d",
        "input has shape \(input), weight expects [height, width, \(weight.shape[2])]")
    }
    let size = try window.output(op: "conv2d", height: input[0], width: input[1])
    return [size.height, size.width, weight.shape[3]]
  }
}

/// A convolution over `[batch, height, width, channels]`; input channels come from the data.
public struct Conv2dWord: LayerWord {
  /// The word as written in `model.layers`.
  public static var word: String { "conv2d" }
  /// Output channels.
  public var out = 0
  /// Kernel size, one integer or [height, width].
  public var kernel = Size2d(1)
  /// Stride, one integer or [height, width].
  public var stride = Size2d(1)
  /// Zero padding on each side, one integer or [height, width].
  public var padding = Size2d(0)
  /// Whether to add a bias per channel.
  public var bias = true
  /// Makes the options with their defaults.
  public init() {}
  /// The keys, in the order in which they are written.
  public static var fields: [ConfigurationField<Self>] {
    [
      .init("out", \.out, .layerSize, required: true, "output channels"),
      .init(
        "kernel", \.kernel, .windowExtent, required: true,
        "kernel size, one integer or [height, width]"),
      .init("stride", \.stride, .windowExtent, "stride, one integer or [height, width]"),
      .init(
        "padding", \.padding, .windowMargin,
        "zero padding on each side, one integer or [height, width]"),
      .init("bias", \.bias, "whether to add a bias per channel"),
    ]
  }
  /// Makes the layer for inputs of shape `[batch] + input`.
  public func layer(for input: Shape) throws -> any Layer {
    Conv2d(
      try channels(Self.word, input), out, kernel: kernel, stride: stride,
      padding: padding, bias: bias)
  }
}
