import DLConfiguration
import DLTensor

/// A two-dimensional transposed convolution: a convolution's gradient by its input, as a layer.
///
/// Shapes: `[batch, height, width, in]` to `[batch, oh, ow, out]` with
/// `oh = (height - 1) · stride - 2 · padding + dilation · (kernel - 1) + outputPadding + 1`. The weight
/// is `[kernel height, kernel width, out / groups, in]` in memory and `[in, out / groups, kh, kw]` in
/// files. Counterpart: `torch.nn.ConvTranspose2d`.
public final class ConvTranspose2d: Module, Layer {
  /// The weight, `[kernel height, kernel width, out / groups, in]`.
  public let weight: Parameter
  /// The bias, `[out]`.
  public let bias: Parameter?
  /// The window's extents.
  public let window: TransposedWindow2d
  /// Blocks of channels that do not see each other.
  public let groups: Int
  private let output: Int

  /// Makes a transposed convolution from `input` to `output` channels.
  public init(
    _ input: Int, _ output: Int, kernel: Size2d, stride: Size2d = 1, padding: Size2d = 0,
    outputPadding: Size2d = 0, dilation: Size2d = 1, groups: Int = 1, bias: Bool = true
  ) {
    window = TransposedWindow2d(
      kernel: kernel, stride: stride, padding: padding, outputPadding: outputPadding,
      dilation: dilation)
    self.groups = groups
    self.output = output
    let group = output / max(groups, 1)
    let fanIn = group * kernel.height * kernel.width
    weight = Parameter(
      [kernel.height, kernel.width, group, input], layout: .convolution,
      initializer: .fanIn(fanIn))
    self.bias = bias ? Parameter([output], initializer: .fanIn(fanIn)) : nil
  }

  /// Applies the layer.
  public func forward(_ x: Tensor) throws -> Tensor {
    try requireGroups(
      "conv_transpose2d", groups, input: weight.shape.last, output: output)
    let window = window.window
    return try x.convTranspose2d(
      weight.value, bias: bias?.value, stride: window.stride, padding: window.padding.leading,
      outputPadding: self.window.outputPadding, dilation: window.dilation, groups: groups)
  }

  /// The positions whose windows cover it.
  public var receptiveField: ReceptiveField { .transposed(window.window) }

  /// The number of products: each weight is used once per position of the input.
  public func multiplyAdds(input: Shape, output: Shape) -> Int {
    input.leading.productOrMax(ownMatrixElements)
  }

  /// The output's shape without its batch axis.
  public func outputShape(for input: Shape) throws -> Shape {
    let op = "conv_transpose2d"
    guard input.rank == 3, input[2] == weight.shape.last else {
      throw TensorError(
        op: op, "input has shape \(input), weight expects [height, width, \(weight.shape.last)]")
    }
    try requireGroups(op, groups, input: input[2], output: output)
    let size = try window.output(op: op, height: input[0], width: input[1])
    return [size.height, size.width, output]
  }
}

extension Padding2d {
  /// Rows above and columns to the left.
  var leading: Size2d {
    switch self {
    case .sides(let top, _, let left, _): Size2d(top, left)
    case .same: 0
    }
  }
}

/// A transposed convolution over `[batch, height, width, channels]`; input channels come from the data.
public struct ConvTranspose2dWord: LayerSpec {
  /// The name in `model.layers`.
  public static var word: String { "conv_transpose2d" }
  /// Output channels.
  public var out = 0
  /// Kernel size, one integer or [height, width].
  public var kernel = Size2d(1)
  /// Stride, one integer or [height, width].
  public var stride = Size2d(1)
  /// What is cut off the output on each side, one integer or [height, width].
  public var padding = Size2d(0)
  /// What is added to the output at its end, one integer or [height, width].
  public var outputPadding = Size2d(0)
  /// Distance of the window's taps, one integer or [height, width].
  public var dilation = Size2d(1)
  /// Blocks of channels that do not see each other.
  public var groups = 1
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
        "what is cut off the output on each side, one integer or [height, width]"),
      .init(
        "output_padding", \.outputPadding, .windowMargin,
        "what is added to the output at its end; smaller than the stride or the dilation"),
      .init("dilation", \.dilation, .windowExtent, "distance of the window's taps"),
      .init(
        "groups", \.groups, .layerSize,
        "blocks of channels that do not see each other; divides input and output channels"),
      .init("bias", \.bias, "whether to add a bias per channel"),
    ]
  }
  /// Faults that concern several keys at once.
  public func problems() -> [ConfigurationProblem] {
    guard max(stride.height, dilation.height) > outputPadding.height,
      max(stride.width, dilation.width) > outputPadding.width
    else {
      return [
        .init(
          "output_padding", "stride", "dilation",
          message: "output_padding must be smaller than the stride or the dilation")
      ]
    }
    return groupProblems(out, groups)
  }
  /// Makes the layer for inputs of shape `[batch] + input`.
  public func layer(for input: Shape) throws -> any Layer {
    ConvTranspose2d(
      try channels(Self.word, input), out, kernel: kernel, stride: stride, padding: padding,
      outputPadding: outputPadding, dilation: dilation, groups: groups, bias: bias)
  }
}
