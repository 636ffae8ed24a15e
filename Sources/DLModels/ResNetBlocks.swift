import DLLayers
import DLTensor

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
    return try bn2(inner, adding: downsample?(x) ?? x, relu: true)
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
  /// The factor between the channels that it gives and those that it has within.
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
    return try bn3(inner, adding: downsample?(x) ?? x, relu: true)
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

extension BasicBlock: BuiltInONNXLayer {
  /// True if its shortcut is a convolution.
  var isProjected: Bool { downsample?.layers.first is Conv2d }

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
