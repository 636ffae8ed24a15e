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
  /// True if the last batch norm of each block starts at zero, so that blocks start as identities.
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
  ///
  /// - Throws: ``TensorError`` for images without classes.
  package func network(for input: Shape, classes: Int?) throws -> Module {
    let classes = try ModelRegistry.requireImages(Self.name, input, classes)
    return ResNet(
      channels: input[2], classes: classes, width: 16, stem: .cifar,
      blocks: [Int](repeating: (depth - 2) / 6, count: 3)
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
  /// The layers in front of the first stage.
  package enum Stem: String, ConfigurationWord {
    /// A 7x7 convolution and a pooling, each of which halves the image.
    case imagenet
    /// A 3x3 convolution that leaves small images as large as they are.
    case cifar
  }

  package static var name: String { "resnet" }
  /// Layers with weights: 18, 34, 50, 101 or 152.
  package var depth = 50
  /// The layers in front of the first stage.
  package var stem = Stem.imagenet
  /// True if the last batch norm of each block starts at zero, so that blocks start as identities.
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
  ///
  /// - Throws: ``TensorError`` for inputs that are no images or have no classes, and for another
  ///   depth than 18, 34, 50, 101 and 152.
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
  ///
  /// - Throws: ``TensorError`` for inputs that are no images of its channels, or where there is no
  ///   memory.
  package func forward(_ x: Tensor) throws -> Tensor {
    var x = try bn1(conv1(x), relu: true)
    if let maxpool { x = try maxpool(x) }
    x = try layer3(layer2(layer1(x)))
    if let layer4 { x = try layer4(x) }
    return try fc(x.globalAvgPool2d())
  }

  /// The output's shape without its batch axis.
  ///
  /// - Throws: ``TensorError`` for the first layer that does not take what comes before it.
  package func outputShape(for input: Shape) throws -> Shape {
    let layers = [conv1, maxpool, layer1, layer2, layer3, layer4] as [(any Layer)?]
    let features = try layers.compactMap(\.self).reduce(input) { shape, layer in
      try layer.located { try layer.outputShape(for: shape) }
    }
    return try fc.outputShape(for: [features[2]])
  }
}

extension ResNet: BuiltInONNXLayer {
  /// The stem, the stages, and a linear layer on the mean over the image.
  ///
  /// - Throws: ``TensorError`` for inputs that are no images of its channels, before the network
  ///   has an arena, or where there is no memory for a weight.
  package func onnx(_ x: ONNXValue, in graph: ONNXGraph) throws -> ONNXValue {
    let stem = try graph.add(bn1, to: graph.add(conv1, to: x))
    let layers = [maxpool, layer1, layer2, layer3, layer4] as [(any Layer)?]
    let stages = try layers.compactMap(\.self).reduce(
      stem.with(graph.node("Relu", [stem.name]))
    ) { try graph.add($1, to: $0) }
    return try graph.add(fc, to: graph.add(GlobalAvgPool2d(), to: stages))
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
