import DLConfiguration
import DLTensor

/// A one-dimensional transposed convolution over sequences.
///
/// Shapes: `[batch, length, in]` to `[batch, ol, out]` with
/// `ol = (length - 1) · stride - 2 · padding + dilation · (kernel - 1) + outputPadding + 1`. The
/// weight is `[kernel, out / groups, in]` in memory and `[in, out / groups, kernel]` in files.
/// Counterpart: `torch.nn.ConvTranspose1d`.
public final class ConvTranspose1d: BuiltInLayer {
  /// The options of ``ConvTranspose1d`` in `model.layers`; input channels come from the data.
  package struct Options: LayerSpec {
    package static var word: String { "conv_transpose1d" }
    /// Output channels.
    package var out = 0
    /// Kernel size.
    package var kernel = 1
    /// Stride.
    package var stride = 1
    /// Elements that are cut off the output on each side.
    package var padding = 0
    /// Elements that are added to the output at its end.
    package var outputPadding = 0
    /// Distance of the window's taps.
    package var dilation = 1
    /// Blocks of channels that do not see each other.
    package var groups = 1
    /// True to add a bias per channel.
    package var bias = true
    package init() {}
    package static var fields: [ConfigurationField<Self>] {
      [
        .init("out", \.out, .layerSize, required: true, "output channels"),
        .init("kernel", \.kernel, .windowExtent, required: true, "kernel size"),
        .init("stride", \.stride, .windowExtent, "stride"),
        .init(
          "padding", \.padding, .windowMargin,
          "what is cut off the output on each side"),
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
      guard max(stride, dilation) > outputPadding else {
        return [
          .init(
            "output_padding", "stride", "dilation",
            message: "output_padding must be smaller than the stride or the dilation")
        ]
      }
      return groupProblems(out, groups)
    }
    package func layer(for input: Shape) throws -> any Layer {
      ConvTranspose1d(inputChannels: try sequenceChannels(Self.word, input), self)
    }
  }

  /// The weight, `[kernel, out / groups, in]`.
  public let weight: Parameter
  /// The bias, `[out]`.
  public let bias: Parameter?
  /// The window's extents, over images of one row.
  package let window: TransposedWindow2d
  package let options: Options

  /// Makes a transposed convolution of `inputChannels` by its options.
  package init(inputChannels: Int, _ options: Options) {
    self.options = options
    window = TransposedWindow2d(
      kernel: Size2d(1, options.kernel), stride: Size2d(1, options.stride),
      padding: Size2d(0, options.padding),
      outputPadding: Size2d(0, options.outputPadding), dilation: Size2d(1, options.dilation))
    let group = options.out / max(options.groups, 1)
    let fanIn = group * options.kernel
    weight = Parameter(
      [options.kernel, group, inputChannels], layout: .convolution, initializer: .fanIn(fanIn))
    bias = options.bias ? Parameter([options.out], initializer: .fanIn(fanIn)) : nil
  }

  /// Makes a transposed convolution from `inputChannels` to `outputChannels`.
  public convenience init(
    inputChannels: Int, outputChannels: Int, kernelSize: Int, stride: Int = 1, padding: Int = 0,
    outputPadding: Int = 0, dilation: Int = 1, groups: Int = 1, bias: Bool = true
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
      "conv_transpose1d", options.groups, input: weight.shape.last, output: options.out)
    let window = window.window
    return try x.paddingFilled().convTranspose1d(
      weight.value, bias: bias?.value, stride: window.stride.width,
      padding: window.padding.leading.width, outputPadding: self.window.outputPadding.width,
      dilation: window.dilation.width, groups: options.groups)
  }

  /// As many positions as a row by itself gives.
  override func lengths(of output: Tensor, from input: Tensor) throws -> Tensor? {
    try input.lengths?.mapLengths { [window] length in
      let size = try? window.output(op: "lengths", height: 1, width: Int(length)).width
      return length > 0 ? Int32(min(max(size ?? 0, 0), output.shape[1])) : 0
    }
  }

  /// The positions whose windows cover it.
  override var ownReceptiveField: ReceptiveField { .transposed(window.window) }

  /// The number of products: each weight is used once per position of the input.
  override func multiplyAdds(from input: Shape, to output: Shape) -> Int {
    input.leading.productOrMax(ownMatrixElements)
  }

  /// PyTorch's counterpart takes `[batch, channels, length]`.
  override var ownSequenceLayout: SequenceLayout? { .channelsFirst }

  override func outputShape(from input: Shape) throws -> Shape {
    let op = "conv_transpose1d"
    guard input.rank == 2, input[1] == weight.shape.last else {
      throw TensorError(
        op: op, "input has shape \(input), weight expects [length, \(weight.shape.last)]")
    }
    try requireGroups(op, options.groups, input: input[1], output: options.out)
    let size = try window.output(op: op, height: 1, width: input[0])
    return [size.width, options.out]
  }
}
