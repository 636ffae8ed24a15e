import DLConfiguration
import DLLayers
import DLTensor

/// A residual network for small images: depth 6n + 2, stages of 16, 32 and 64 channels.
///
/// He et al. 2016, "Deep Residual Learning for Image Recognition", section 4.2; 269,722 parameters
/// at depth 20 with 10 classes. Parameters are named as in torchvision's ResNet.
public struct SmallImageResNet: ModelSpec {
  /// The shortcut around a block that halves the image.
  public enum Shortcut: String, ConfigurationWord {
    /// Every second pixel, and zeros for the new channels: the paper's option A.
    case pad
    /// A 1x1 convolution with batch normalization: the paper's option B.
    case projection
  }

  /// The name in a configuration.
  public static var name: String { "resnet_cifar" }
  /// Layers with weights: 20, 32, 44, 56 or 110 in the paper.
  package var depth = 20
  /// The shortcut around a block that halves the image.
  package var shortcut = Shortcut.pad
  /// Whether the last batch norm of each block starts at zero, so that blocks start as identities.
  package var zeroInitialResidual = false
  /// Makes the options with their defaults.
  public init() {}

  /// The keys, in the order in which they are written.
  public static var fields: [ConfigurationField<Self>] {
    [
      .init("depth", \.depth, .within(8...1202), "layers with weights, 6n + 2"),
      .init("shortcut", \.shortcut, "pad or projection where a block halves the image"),
      .init(
        "zero_init_residual", \.zeroInitialResidual,
        "whether the last batch norm of each block starts at zero"),
    ]
  }

  /// Faults that concern several keys at once.
  public func problems() -> [ConfigurationProblem] {
    (depth - 2).isMultiple(of: 6) ? [] : [.init("depth", message: "expected 6n + 2, as 20 or 56")]
  }

  /// Makes the network for images.
  public func network(for input: Shape, classes: Int?) throws -> Module {
    ResNet(
      channels: input[2], classes: try ModelRegistry.requireImages(Self.name, input, classes),
      blocks: (depth - 2) / 6, shortcut: shortcut, zeroInitialResidual: zeroInitialResidual)
  }
}

/// Convolution, three stages of residual blocks, global average pooling, one linear layer.
public final class ResNet: Module, Layer {
  private let conv1: Conv2d
  private let bn1: BatchNorm
  private let layer1: Sequential
  private let layer2: Sequential
  private let layer3: Sequential
  private let fc: Linear

  /// Makes a network with so many blocks per stage.
  init(
    channels: Int, classes: Int, blocks: Int, shortcut: SmallImageResNet.Shortcut,
    zeroInitialResidual: Bool
  ) {
    func stage(_ input: Int, _ output: Int, stride: Int) -> Sequential {
      Sequential(
        (0..<blocks).map { index in
          BasicBlock(
            index == 0 ? input : output, output, stride: index == 0 ? stride : 1,
            shortcut: shortcut, zeroInitialResidual: zeroInitialResidual)
        })
    }
    conv1 = .residual(channels, 16, kernel: 3)
    bn1 = BatchNorm(features: 16)
    layer1 = stage(16, 16, stride: 1)
    layer2 = stage(16, 32, stride: 2)
    layer3 = stage(32, 64, stride: 2)
    fc = Linear(inputFeatures: 64, outputFeatures: classes)
  }

  /// Applies the network: `[batch, height, width, channels]` to `[batch, classes]`.
  public func forward(_ x: Tensor) throws -> Tensor {
    let stem = try bn1(conv1(x), relu: true)
    return try fc(layer3(layer2(layer1(stem))).globalAvgPool2d())
  }

  /// The output's shape without its batch axis.
  public func outputShape(for input: Shape) throws -> Shape {
    let stem = try conv1.outputShape(for: input)
    let stages = try [layer1, layer2, layer3].reduce(stem) { try $1.outputShape(for: $0) }
    return try fc.outputShape(for: [stages[2]])
  }
}

/// Two convolutions and the shortcut around them: `y = relu(bn2(conv2(relu(bn1(conv1(x))))) + x)`.
///
/// Counterpart: `torchvision.models.resnet.BasicBlock`.
final class BasicBlock: Module, Layer {
  private let conv1: Conv2d
  private let bn1: BatchNorm
  private let conv2: Conv2d
  private let bn2: BatchNorm
  private let downsample: Sequential?

  init(
    _ input: Int, _ output: Int, stride: Int, shortcut: SmallImageResNet.Shortcut,
    zeroInitialResidual: Bool
  ) {
    conv1 = .residual(input, output, kernel: 3, stride: Size2d(stride, stride))
    bn1 = BatchNorm(features: output)
    conv2 = .residual(output, output, kernel: 3)
    bn2 = BatchNorm(features: output)
    if zeroInitialResidual { bn2.weight?.initializer = .zeros }
    switch shortcut {
    case _ where stride == 1 && input == output: downsample = nil
    case .pad: downsample = Sequential(PaddedShortcut(output, stride: stride))
    case .projection:
      downsample = Sequential(
        Conv2d.residual(input, output, kernel: 1, stride: Size2d(stride, stride)),
        BatchNorm(features: output)
      )
    }
  }

  func forward(_ x: Tensor) throws -> Tensor {
    let inner = try conv2(bn1(conv1(x), relu: true))
    return try (bn2(inner) + (downsample?(x) ?? x)).relu()
  }

  func outputShape(for input: Shape) throws -> Shape {
    try conv2.outputShape(for: conv1.outputShape(for: input))
  }
}

extension Conv2d {
  /// A convolution without bias in front of a batch norm, started for ReLU by its fan out.
  fileprivate static func residual(_ input: Int, _ output: Int, kernel: Size2d, stride: Size2d = 1)
    -> Conv2d
  {
    let padding = Size2d(kernel.height / 2, kernel.width / 2)
    let layer = Conv2d(
      inputChannels: input, outputChannels: output, kernelSize: kernel, stride: stride,
      padding: padding, bias: false)
    layer.weight.initializer = .heNormal(.fanOut)
    return layer
  }
}

/// Every `stride`-th pixel, with zeros for the channels that are new.
final class PaddedShortcut: Module, Layer {
  private let channels: Int
  private let stride: Int

  init(_ channels: Int, stride: Int) {
    self.channels = channels
    self.stride = stride
  }

  func forward(_ x: Tensor) throws -> Tensor {
    let pixels = try x.maxPool2d(Window2d(kernel: 1, stride: Size2d(stride, stride)))
    let new = Shape(pixels.shape.dimensions.dropLast() + [channels - pixels.shape.last])
    return try Tensor.concat([pixels, .zeros(new, dtype: x.dtype, context: x.context)], axis: -1)
  }

  func outputShape(for input: Shape) throws -> Shape {
    [(input[0] - 1) / stride + 1, (input[1] - 1) / stride + 1, channels]
  }
}

extension ResNet: ONNXLayer {
  /// The stem, the stages, and a linear layer on the mean over the image.
  public func onnx(_ x: ONNXValue, in graph: ONNXGraph) throws -> ONNXValue {
    let stem = try graph.add(bn1, to: graph.add(conv1, to: x))
    let stages = try [layer1, layer2, layer3].reduce(stem.with(graph.node("Relu", [stem.name]))) {
      try graph.add($1, to: $0)
    }
    return try graph.add(fc, to: graph.add(GlobalAvgPool2d(), to: stages))
  }
}

extension BasicBlock: ONNXLayer {
  /// Whether its shortcut is a convolution.
  fileprivate var isProjected: Bool { downsample?.layers.first is Conv2d }

  func onnx(_ x: ONNXValue, in graph: ONNXGraph) throws -> ONNXValue {
    let first = try graph.add(bn1, to: graph.add(conv1, to: x))
    let inner = first.with(graph.node("Relu", [first.name]))
    let branch = try graph.add(bn2, to: graph.add(conv2, to: inner))
    let around = graph.channelsFirst(try downsample.map { try graph.add($0, to: x) } ?? x)
    return branch.with(graph.node("Relu", [graph.node("Add", [branch.name, around.name])]))
  }
}

extension PaddedShortcut: ONNXLayer {
  func onnx(_ x: ONNXValue, in graph: ONNXGraph) throws -> ONNXValue {
    let x = graph.channelsFirst(x)
    let pixels = graph.node(
      "Slice",
      [
        x.name, graph.integers([0, 0]), graph.integers([x.row[0], x.row[1]]),
        graph.integers([2, 3]), graph.integers([stride, stride]),
      ])
    let new = graph.integers([0, 0, 0, 0, 0, channels - x.row[2], 0, 0])
    let name = graph.node("Pad", [pixels, new, try graph.constant([0])])
    return x.with(name, row: try outputShape(for: x.row))
  }
}

extension ResNet: TorchLayer {
  /// Classes with torchvision's names.
  public func torch(for input: Shape, in program: TorchProgram) -> TorchExpression {
    program.define("BasicBlock", ResNet.torchBlock)
    program.define("ResNet", ResNet.torchNetwork)
    let isProjection = layer2.layers.contains {
      ($0 as? BasicBlock)?.isProjected == true
    }
    return .call(
      "ResNet",
      ["\(input.last)", "\(fc.weight.shape[0])"],
      ["blocks": "\(layer1.layers.count)", "projection": isProjection ? "True" : nil])
  }
}
