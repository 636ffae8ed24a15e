import DLConfiguration
import DLTensor

/// A two-dimensional convolution (cross-correlation) over images.
///
/// Shapes: `[batch, height, width, in]` to `[batch, oh, ow, out]` with
/// `oh = (height + 2 · padding - dilation · (kernel - 1) - 1) / stride + 1`. The weight is
/// `[kernel height, kernel width, in / groups, out]` in memory and `[out, in / groups, kh, kw]` in
/// files. Counterpart: `torch.nn.Conv2d`.
public final class Conv2d: ReLUFusingLayer {
  /// The options of ``Conv2d`` in `model.layers`; input channels come from the data.
  package struct Options: LayerSpec {
    package static var word: String { "conv2d" }
    /// Output channels.
    package var out = 0
    /// Kernel size, one integer or [height, width].
    package var kernel = Size2d(1)
    /// Stride, one integer or [height, width].
    package var stride = Size2d(1)
    /// Zeros around the image: same, one integer, [height, width] or [top, bottom, left, right].
    package var padding = Padding2d.symmetric(0)
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
          "zeros around the image: same, an integer, [height, width] or [top, bottom, left, right]"),
        .init(
          "dilation", \.dilation, .windowExtent,
          "distance of the window's taps, one integer or [height, width]"),
        .init(
          "groups", \.groups, .layerSize,
          "blocks of channels that do not see each other; divides input and output channels"),
        .init("bias", \.bias, "whether to add a bias per channel"),
      ]
    }
    package func problems() -> [ConfigurationProblem] {
      groupProblems(out, groups) + samePaddingProblems(padding, stride)
    }
    package func layer(for input: Shape) throws -> any Layer {
      Conv2d(inputChannels: try channels(Self.word, input), self)
    }
  }

  /// The weight, `[kernel height, kernel width, in / groups, out]`.
  public let weight: Parameter
  /// The bias, `[out]`.
  public let bias: Parameter?
  /// The window's extents.
  package let window: Window2d
  package let options: Options
  private let inputChannels: Int

  /// Makes a convolution of `inputChannels` by its options.
  package init(inputChannels: Int, _ options: Options) {
    self.options = options
    self.inputChannels = inputChannels
    window = Window2d(
      kernel: options.kernel, stride: options.stride, padding: options.padding,
      dilation: options.dilation)
    let group = inputChannels / max(options.groups, 1)
    let fanIn = group * options.kernel.height * options.kernel.width
    weight = Parameter(
      [options.kernel.height, options.kernel.width, group, options.out], layout: .convolution,
      initializer: .fanIn(fanIn))
    bias = options.bias ? Parameter([options.out], initializer: .fanIn(fanIn)) : nil
  }

  /// Makes a convolution from `inputChannels` to `outputChannels`, with padding of its
  /// own on each side, or `same`.
  public convenience init(
    inputChannels: Int, outputChannels: Int, kernelSize: Size2d, stride: Size2d = 1,
    padding: Padding2d,
    dilation: Size2d = 1, groups: Int = 1, bias: Bool = true
  ) {
    self.init(
      inputChannels: inputChannels,
      .with {
        $0.out = outputChannels
        $0.kernel = kernelSize
        $0.stride = stride
        $0.padding = padding
        $0.dilation = dilation
        $0.groups = groups
        $0.bias = bias
      })
  }

  /// Makes a convolution from `inputChannels` to `outputChannels`; the padding is added on both
  /// sides.
  public convenience init(
    inputChannels: Int, outputChannels: Int, kernelSize: Size2d, stride: Size2d = 1,
    padding: Size2d = 0, dilation: Size2d = 1, groups: Int = 1, bias: Bool = true
  ) {
    self.init(
      inputChannels: inputChannels, outputChannels: outputChannels, kernelSize: kernelSize,
      stride: stride, padding: .symmetric(padding), dilation: dilation, groups: groups, bias: bias)
  }

  /// Applies the layer, and a ReLU behind it if `relu`.
  override func forward(_ x: Tensor, relu: Bool) throws -> Tensor {
    try x.conv2d(
      weight.value, bias: bias?.value, stride: window.stride, padding: window.padding,
      dilation: window.dilation, groups: options.groups, relu: relu)
  }

  /// The positions under its window.
  override var ownReceptiveField: ReceptiveField { .window(window) }

  override func outputShape(from input: Shape) throws -> Shape {
    let op = "conv2d"
    guard input.rank == 3, input[2] == inputChannels else {
      throw TensorError(
        op: op, "input has shape \(input), weight expects [height, width, \(inputChannels)]")
    }
    try requireGroups(op, options.groups, input: inputChannels, output: weight.shape.last)
    let size = try window.output(op: op, height: input[0], width: input[1])
    return [size.height, size.width, weight.shape.last]
  }
}

/// Throws unless the channels divide into the groups.
func requireGroups(_ op: String, _ groups: Int, input: Int, output: Int) throws {
  guard groups > 0, input.isMultiple(of: groups), output.isMultiple(of: groups) else {
    throw TensorError(
      op: op,
      "\(input) input and \(output) output channels do not divide into \(groups) groups")
  }
}

func groupProblems(_ out: Int, _ groups: Int) -> [ConfigurationProblem] {
  guard groups > 0, !out.isMultiple(of: groups) else { return [] }
  return [.init("groups", "out", message: "\(out) channels do not divide into \(groups) groups")]
}

func samePaddingProblems(_ padding: Padding2d, _ stride: Size2d) -> [ConfigurationProblem] {
  guard padding == .same, stride != 1 else { return [] }
  return [.init("padding", "stride", message: "padding same needs stride 1")]
}
