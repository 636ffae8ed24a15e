import DLConfiguration
import DLTensor

/// A one-dimensional convolution (cross-correlation) over sequences.
///
/// Shapes: `[batch, length, in]` to `[batch, ol, out]` with
/// `ol = (length + 2 · padding - dilation · (kernel - 1) - 1) / stride + 1`. The weight is
/// `[kernel, in / groups, out]` in memory and `[out, in / groups, kernel]` in files. Counterpart:
/// `torch.nn.Conv1d`.
public final class Conv1d: ReLUFusingLayer {
  /// The options of ``Conv1d`` in `model.layers`; input channels come from the data.
  package struct Options: LayerSpec {
    package static var word: String { "conv1d" }
    /// Output channels.
    package var out = 0
    /// Kernel size.
    package var kernel = 1
    /// Stride.
    package var stride = 1
    /// Zeros around the sequence: same, one integer or [left, right].
    package var padding: Padding1d = 0
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
          "zeros around the sequence: same, one integer or [left, right]"),
        .init("dilation", \.dilation, .windowExtent, "distance of the window's taps"),
        .init(
          "groups", \.groups, .layerSize,
          "blocks of channels that do not see each other; divides input and output channels"),
        .init("bias", \.bias, "whether to add a bias per channel"),
      ]
    }
    package func problems() -> [ConfigurationProblem] {
      groupProblems(out, groups) + samePaddingProblems(padding.rows, Size2d(1, stride))
    }
    package func layer(for input: Shape) throws -> any Layer {
      Conv1d(inputChannels: try sequenceChannels(Self.word, input), self)
    }
  }

  /// The weight, `[kernel, in / groups, out]`.
  public let weight: Parameter
  /// The bias, `[out]`.
  public let bias: Parameter?
  /// The window's extents, over images of one row.
  package let window: Window2d
  package let options: Options
  private let inputChannels: Int

  /// Makes a convolution of `inputChannels` by its options.
  package init(inputChannels: Int, _ options: Options) {
    self.options = options
    self.inputChannels = inputChannels
    window = Window2d(
      kernel: Size2d(1, options.kernel), stride: Size2d(1, options.stride),
      padding: options.padding.rows, dilation: Size2d(1, options.dilation))
    let group = inputChannels / max(options.groups, 1)
    let fanIn = group * options.kernel
    weight = Parameter(
      [options.kernel, group, options.out], layout: .convolution, initializer: .fanIn(fanIn))
    bias = options.bias ? Parameter([options.out], initializer: .fanIn(fanIn)) : nil
  }

  /// Makes a convolution from `inputChannels` to `outputChannels`.
  public convenience init(
    inputChannels: Int, outputChannels: Int, kernelSize: Int, stride: Int = 1,
    padding: Padding1d = 0,
    dilation: Int = 1, groups: Int = 1, bias: Bool = true
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

  /// Applies the layer, and a ReLU behind it if `relu`; padding counts as zeros.
  override func forward(_ x: Tensor, relu: Bool) throws -> Tensor {
    try x.paddingFilled().conv1d(
      weight.value, bias: bias?.value, stride: window.stride.width, padding: options.padding,
      dilation: window.dilation.width, groups: options.groups, relu: relu)
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
    let op = "conv1d"
    guard input.rank == 2, input[1] == inputChannels else {
      throw TensorError(
        op: op, "input has shape \(input), weight expects [length, \(inputChannels)]")
    }
    try requireGroups(op, options.groups, input: inputChannels, output: weight.shape.last)
    let size = try window.output(op: op, height: 1, width: input[0])
    return [size.width, weight.shape.last]
  }
}
