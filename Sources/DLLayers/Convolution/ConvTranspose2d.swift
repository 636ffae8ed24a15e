import DLConfiguration
import DLTensor

/// A two-dimensional transposed convolution: a convolution's gradient by its input, as a layer.
///
/// Shapes: `[batch, height, width, in]` to `[batch, oh, ow, out]` with
/// `oh = (height - 1) · stride - 2 · padding + dilation · (kernel - 1) + outputPadding + 1`. The
/// weight is `[kernel height, kernel width, out / groups, in]` in memory and
/// `[in, out / groups, kh, kw]` in files. Counterpart: `torch.nn.ConvTranspose2d`.
public final class ConvTranspose2d: BuiltInLayer {
  /// The options of ``ConvTranspose2d`` in `model.layers`; input channels come from the data.
  package struct Options: LayerSpec {
    package static var word: String { "conv_transpose2d" }
    /// Output channels.
    package var out = 0
    /// Kernel size, one integer or [height, width].
    package var kernel = Size2d(1)
    /// Stride, one integer or [height, width].
    package var stride = Size2d(1)
    /// Pixels that are cut off the output on each side, one integer or [height, width].
    package var padding = Size2d(0)
    /// Pixels that are added to the output at its end, one integer or [height, width].
    package var outputPadding = Size2d(0)
    /// Distance of the window's taps, one integer or [height, width].
    package var dilation = Size2d(1)
    /// Blocks of channels that do not see each other.
    package var groups = 1
    /// True to add a bias per channel.
    package var bias = true
    package init() {}
    package static var fields: [ConfigurationField<Self>] {
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
    package func problems() -> [ConfigurationProblem] {
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
    package func layer(for input: Shape) throws -> any Layer {
      ConvTranspose2d(inputChannels: try channels(Self.word, input), self)
    }
  }

  /// The weight, `[kernel height, kernel width, out / groups, in]`.
  public let weight: Parameter
  /// The bias, `[out]`.
  public let bias: Parameter?
  /// The window's extents.
  package let window: TransposedWindow2d
  package let options: Options

  /// Makes a transposed convolution of `inputChannels` by its options.
  package init(inputChannels: Int, _ options: Options) {
    self.options = options
    window = TransposedWindow2d(
      kernel: options.kernel, stride: options.stride, padding: options.padding,
      outputPadding: options.outputPadding,
      dilation: options.dilation)
    let group = options.out / max(options.groups, 1)
    let fanIn = group * options.kernel.height * options.kernel.width
    weight = Parameter(
      [options.kernel.height, options.kernel.width, group, inputChannels], layout: .convolution,
      initializer: .fanIn(fanIn))
    bias = options.bias ? Parameter([options.out], initializer: .fanIn(fanIn)) : nil
  }

  /// Makes a transposed convolution from `inputChannels` to `outputChannels`.
  public convenience init(
    inputChannels: Int, outputChannels: Int, kernelSize: Size2d, stride: Size2d = 1,
    padding: Size2d = 0,
    outputPadding: Size2d = 0, dilation: Size2d = 1, groups: Int = 1, bias: Bool = true
  ) {
    self.init(
      inputChannels: inputChannels,
      .with {
        $0.out = outputChannels
        $0.kernel = kernelSize
        $0.stride = stride
        $0.padding = padding
        $0.outputPadding = outputPadding
        $0.dilation = dilation
        $0.groups = groups
        $0.bias = bias
      })
  }

  override func forward(from x: Tensor) throws -> Tensor {
    try requireGroups(
      "conv_transpose2d", options.groups, input: weight.shape.last, output: options.out)
    let window = window.window
    return try x.convTranspose2d(
      weight.value, bias: bias?.value, stride: window.stride, padding: window.padding.leading,
      outputPadding: self.window.outputPadding, dilation: window.dilation, groups: options.groups)
  }

  /// The positions whose windows cover it.
  override var ownReceptiveField: ReceptiveField { .transposed(window.window) }

  /// The number of products: each weight is used once per position of the input.
  override func multiplyAdds(from input: Shape, to output: Shape) -> Int {
    input.leading.productOrMax(ownMatrixElements)
  }

  override func outputShape(from input: Shape) throws -> Shape {
    let op = "conv_transpose2d"
    guard input.rank == 3, input[2] == weight.shape.last else {
      throw TensorError(
        op: op, "input has shape \(input), weight expects [height, width, \(weight.shape.last)]")
    }
    try requireGroups(op, options.groups, input: input[2], output: options.out)
    let size = try window.output(op: op, height: input[0], width: input[1])
    return [size.height, size.width, options.out]
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
