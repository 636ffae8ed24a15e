import DLConfiguration
import DLLayers
import DLTensor

/// A residual network for small images: depth 6n + 2, stages of 16, 32 and 64 channels.
///
/// He et al. 2016, "Deep Residual Learning for Image Recognition", section 4.2; 269,722 parameters
/// at depth 20 with 10 classes. Parameters are named as in torchvision's ResNet.
package struct SmallImageResNet: ModelSpec {
  /// The shortcut around a block that halves the image.
  package enum Shortcut: String, ConfigurationWord {
    /// Every second pixel, and zeros for the new channels: the paper's option A.
    case pad
    /// A 1x1 convolution with batch normalization: the paper's option B.
    case projection
  }

  package static var name: String { "resnet_cifar" }
  /// Layers with weights: 20, 32, 44, 56 or 110 in the paper.
  package var depth = 20
  /// The shortcut around a block that halves the image.
  package var shortcut = Shortcut.pad
  /// Whether the last batch norm of each block starts at zero, so that blocks start as identities.
  package var zeroInitialResidual = false
  package init() {}

  package static var fields: [ConfigurationField<Self>] {
    [
      .init("depth", \.depth, .within(8...1202), "layers with weights, 6n + 2"),
      .init("shortcut", \.shortcut, "pad or projection where a block halves the image"),
      .init(
        "zero_init_residual", \.zeroInitialResidual,
        "whether the last batch norm of each block starts at zero"),
    ]
  }

  package func problems() -> [ConfigurationProblem] {
    (depth - 2).isMultiple(of: 6) ? [] : [.init("depth", message: "expected 6n + 2, as 20 or 56")]
  }

  /// Makes the network for images.
  package func network(for input: Shape, classes: Int?) throws -> Module {
    ResNet(
      channels: input[2], classes: try ModelRegistry.requireImages(Self.name, input, classes),
      width: 16, stem: .cifar, blocks: [Int](repeating: (depth - 2) / 6, count: 3)
    ) { input, width, stride in
      BasicBlock(
        input, width, stride: stride, shortcut: shortcut, zeroInitialResidual: zeroInitialResidual)
    }
  }
}

/// A residual network of four stages, as for the images of ImageNet.
///
/// He et al. 2016, table 1; 25,557,032 parameters at depth 50 with 1000 classes. The stride of a
/// bottleneck lies in its 3x3 convolution (ResNet v1.5). Parameters are named as in torchvision's
/// `resnet18`, `resnet34`, `resnet50`, `resnet101` and `resnet152`.
package struct ResNetOptions: ModelSpec {
  /// What stands in front of the first stage.
  package enum Stem: String, ConfigurationWord {
    /// A 7x7 convolution and a pooling, each of which halves the image.
    case imagenet
    /// A 3x3 convolution that leaves small images as large as they are.
    case cifar
  }

  package static var name: String { "resnet" }
  /// Layers with weights: 18, 34, 50, 101 or 152.
  package var depth = 50
  /// What stands in front of the first stage.
  package var stem = Stem.imagenet
  /// Whether the last batch norm of each block starts at zero, so that blocks start as identities.
  package var zeroInitialResidual = false
  package init() {}

  package static var fields: [ConfigurationField<Self>] {
    [
      .init("depth", \.depth, .within(18...152), "layers with weights: 18, 34, 50, 101 or 152"),
      .init("stem", \.stem, "imagenet: a quarter of the image's size; cifar: its whole size"),
      .init(
        "zero_init_residual", \.zeroInitialResidual,
        "whether the last batch norm of each block starts at zero"),
    ]
  }

  private static let blocks = [
    18: [2, 2, 2, 2], 34: [3, 4, 6, 3], 50: [3, 4, 6, 3], 101: [3, 4, 23, 3], 152: [3, 8, 36, 3],
  ]

  package func problems() -> [ConfigurationProblem] {
    Self.blocks[depth] == nil ? [.init("depth", message: "expected 18, 34, 50, 101 or 152")] : []
  }

  /// Makes the network for images.
  package func network(for input: Shape, classes: Int?) throws -> Module {
    let classes = try ModelRegistry.requireImages(Self.name, input, classes)
    guard let blocks = Self.blocks[depth] else {
      throw TensorError(op: Self.name, "depth is \(depth), expected 18, 34, 50, 101 or 152")
    }
    let expansion = depth < 50 ? 1 : Bottleneck.expansion
    return ResNet(
      channels: input[2], classes: classes, width: 64, stem: stem, blocks: blocks,
      expansion: expansion
    ) { input, width, stride in
      if expansion > 1 {
        return Bottleneck(input, width, stride: stride, zeroInitialResidual: zeroInitialResidual)
      }
      return BasicBlock(
        input, width, stride: stride, shortcut: .projection,
        zeroInitialResidual: zeroInitialResidual)
    }
  }
}

/// Convolution, three or four stages of residual blocks, global average pooling, one linear layer.
package final class ResNet: Module, Layer {
  private let conv1: Conv2d
  private let bn1: BatchNorm
  private let maxpool: MaxPool2d?
  private let layer1: Sequential
  private let layer2: Sequential
  private let layer3: Sequential
  private let layer4: Sequential?
  private let fc: Linear

  /// Makes a network whose stages have so many blocks, each stage behind the first twice the channels
  /// at half the size.
  ///
  /// - Parameters:
  ///   - width: the stem's channels, and those of the first stage within its blocks.
  ///   - expansion: how many times more channels a block gives than it has within.
  ///   - block: makes a block by its input's channels, its own and its stride.
  init(
    channels: Int, classes: Int, width: Int, stem: ResNetOptions.Stem, blocks: [Int],
    expansion: Int = 1, block: (Int, Int, Int) -> any Layer
  ) {
    var output = width
    let stages = blocks.enumerated().map { index, count in
      let within = width << index
      let input = output
      output = within * expansion
      return Sequential(
        (0..<count).map {
          $0 > 0 ? block(output, within, 1) : block(input, within, index == 0 ? 1 : 2)
        })
    }
    let isLarge = stem == .imagenet
    conv1 = .unbiased(channels, width, kernel: isLarge ? 7 : 3, stride: isLarge ? 2 : 1)
    bn1 = BatchNorm(features: width)
    maxpool = isLarge ? MaxPool2d(kernelSize: 3, stride: 2, padding: 1) : nil
    layer1 = stages[0]
    layer2 = stages[1]
    layer3 = stages[2]
    layer4 = stages.count > 3 ? stages[3] : nil
    fc = Linear(inputFeatures: output, outputFeatures: classes)
  }

  /// Applies the network: `[batch, height, width, channels]` to `[batch, classes]`.
  package func forward(_ x: Tensor) throws -> Tensor {
    var x = try bn1(conv1(x), relu: true)
    if let maxpool { x = try maxpool(x) }
    x = try layer3(layer2(layer1(x)))
    if let layer4 { x = try layer4(x) }
    return try fc(x.globalAvgPool2d())
  }

  /// The output's shape without its batch axis.
  package func outputShape(for input: Shape) throws -> Shape {
    let layers = [conv1, maxpool, layer1, layer2, layer3, layer4] as [(any Layer)?]
    let features = try layers.compactMap(\.self).reduce(input) { shape, layer in
      try layer.located { try layer.outputShape(for: shape) }
    }
    return try fc.outputShape(for: [features[2]])
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
    conv1 = .unbiased(input, output, kernel: 3, stride: stride)
    bn1 = BatchNorm(features: output)
    conv2 = .unbiased(output, output, kernel: 3)
    bn2 = BatchNorm(features: output)
    if zeroInitialResidual { bn2.weight?.initializer = .zeros }
    switch shortcut {
    case _ where stride == 1 && input == output: downsample = nil
    case .pad: downsample = Sequential(PaddedShortcut(output, stride: stride))
    case .projection: downsample = .projection(input, output, stride: stride)
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

/// Convolutions of 1x1 to fewer channels, 3x3, and 1x1 to four times as many, and the shortcut around
/// them.
///
/// Counterpart: `torchvision.models.resnet.Bottleneck`.
final class Bottleneck: Module, Layer {
  /// How many times more channels it gives than it has within.
  static let expansion = 4

  private let conv1: Conv2d
  private let bn1: BatchNorm
  private let conv2: Conv2d
  private let bn2: BatchNorm
  private let conv3: Conv2d
  private let bn3: BatchNorm
  private let downsample: Sequential?

  init(_ input: Int, _ width: Int, stride: Int, zeroInitialResidual: Bool) {
    let output = width * Self.expansion
    conv1 = .unbiased(input, width, kernel: 1)
    bn1 = BatchNorm(features: width)
    conv2 = .unbiased(width, width, kernel: 3, stride: stride)
    bn2 = BatchNorm(features: width)
    conv3 = .unbiased(width, output, kernel: 1)
    bn3 = BatchNorm(features: output)
    if zeroInitialResidual { bn3.weight?.initializer = .zeros }
    downsample =
      stride == 1 && input == output ? nil : .projection(input, output, stride: stride)
  }

  func forward(_ x: Tensor) throws -> Tensor {
    let inner = try conv3(bn2(conv2(bn1(conv1(x), relu: true)), relu: true))
    return try (bn3(inner) + (downsample?(x) ?? x)).relu()
  }

  func outputShape(for input: Shape) throws -> Shape {
    try conv3.outputShape(for: conv2.outputShape(for: conv1.outputShape(for: input)))
  }
}

extension Sequential {
  /// A shortcut by a 1x1 convolution with batch normalization.
  fileprivate static func projection(_ input: Int, _ output: Int, stride: Int) -> Sequential {
    Sequential(
      Conv2d.unbiased(input, output, kernel: 1, stride: stride),
      BatchNorm(features: output))
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

extension ResNet: BuiltInONNXLayer {
  /// The stem, the stages, and a linear layer on the mean over the image.
  package func onnx(_ x: ONNXValue, in graph: ONNXGraph) throws -> ONNXValue {
    let stem = try graph.add(bn1, to: graph.add(conv1, to: x))
    let layers = [maxpool, layer1, layer2, layer3, layer4] as [(any Layer)?]
    let stages = try layers.compactMap(\.self).reduce(
      stem.with(graph.node("Relu", [stem.name]))
    ) { try graph.add($1, to: $0) }
    return try graph.add(fc, to: graph.add(GlobalAvgPool2d(), to: stages))
  }
}

extension BasicBlock: BuiltInONNXLayer {
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

extension Bottleneck: BuiltInONNXLayer {
  func onnx(_ x: ONNXValue, in graph: ONNXGraph) throws -> ONNXValue {
    var y = x
    for (conv, norm) in [(conv1, bn1), (conv2, bn2)] {
      let normal = try graph.add(norm, to: graph.add(conv, to: y))
      y = normal.with(graph.node("Relu", [normal.name]))
    }
    let branch = try graph.add(bn3, to: graph.add(conv3, to: y))
    let sum = graph.sum(branch, try downsample.map { try graph.add($0, to: x) } ?? x)
    return branch.with(graph.node("Relu", [sum.name]))
  }
}

extension PaddedShortcut: BuiltInONNXLayer {
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

extension ResNet: BuiltInTorchLayer {
  /// Classes with torchvision's names.
  package func torch(for input: Shape, in program: TorchProgram) -> TorchExpression {
    let isDeep = layer1.layers.first is Bottleneck
    let block = isDeep ? "Bottleneck" : "BasicBlock"
    program.define(block, isDeep ? ResNet.torchBottleneck : ResNet.torchBlock)
    program.define("ResNet", ResNet.torchNetwork)
    let isProjection = layer2.layers.contains {
      ($0 as? BasicBlock)?.isProjected == true
    }
    let blocks = [layer1, layer2, layer3, layer4].compactMap { $0?.layers.count }
    return .call(
      "ResNet",
      [
        "\(input.last)", "\(fc.weight.shape[0])", "\(conv1.weight.shape.last)", "\(blocks)",
        "\(block)",
      ],
      ["projection": isProjection ? "True" : nil, "large": maxpool == nil ? nil : "True"])
  }
}
