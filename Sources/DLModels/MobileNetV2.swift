import DLConfiguration
import DLLayers
import DLTensor

/// Inverted residual blocks: to more channels by a 1x1 convolution, a 3x3 convolution of each channel
/// alone, and back to few by another of 1x1.
///
/// Sandler et al. 2018, table 2; 3,504,872 parameters with 1000 classes. Parameters are named as in
/// torchvision's `mobilenet_v2`.
package struct MobileNetV2Options: ModelSpec {
  package static var name: String { "mobilenet_v2" }
  /// The factor for the channels of all layers.
  package var widthMultiplier = 1.0
  /// The probability of dropout in front of the logits.
  package var dropout = 0.2
  package init() {}

  package static var fields: [ConfigurationField<Self>] {
    [
      .init(
        "width_mult", \.widthMultiplier, .within(0.05...16), "factor for the channels of all layers"
      ),
      .init("dropout", \.dropout, .within(0..<1), "probability of dropout before the logits"),
    ]
  }

  /// Expansion, channels, blocks and stride of each stage.
  private static let stages = [
    (1, 16, 1, 1), (6, 24, 2, 2), (6, 32, 3, 2), (6, 64, 4, 2), (6, 96, 3, 1), (6, 160, 3, 2),
    (6, 320, 1, 1),
  ]

  /// Makes the network for images.
  ///
  /// - Throws: ``TensorError`` for inputs that are no images, or have no classes.
  package func network(for input: Shape, classes: Int?) throws -> Module {
    let classes = try ModelRegistry.requireImages(Self.name, input, classes)
    var width = scaled(32)
    var features: [any Layer] = [InvertedResidual.unit(input[2], width, kernel: 3, stride: 2)]
    for (expansion, channels, blocks, stride) in Self.stages {
      let output = scaled(channels)
      for index in 0..<blocks {
        features.append(
          InvertedResidual(width, output, stride: index == 0 ? stride : 1, expansion: expansion))
        width = output
      }
    }
    let last = scaled(1280, by: max(1, widthMultiplier))
    features.append(InvertedResidual.unit(width, last, kernel: 1))
    let logits = Linear(inputFeatures: last, outputFeatures: classes)
    logits.weight.initializer = .normal(standardDeviation: 0.01)
    logits.bias?.initializer = .zeros
    return FeatureClassifier(
      features: Sequential(features), avgpool: GlobalAvgPool2d(),
      classifier: Sequential(Dropout(p: dropout), logits))
  }

  /// The nearest multiple of 8 that is no more than a tenth smaller.
  private func scaled(_ channels: Int, by factor: Double? = nil) -> Int {
    let wanted = Double(channels) * (factor ?? widthMultiplier)
    let nearest = max(8, Int(wanted + 4) / 8 * 8)
    return Double(nearest) < 0.9 * wanted ? nearest + 8 : nearest
  }
}

/// A block of ``MobileNetV2Options``: `x + conv(x)`, or `conv(x)` where the shape changes.
///
/// Counterpart: `torchvision.models.mobilenetv2.InvertedResidual`.
final class InvertedResidual: Module, Layer {
  let conv: Sequential
  let isResidual: Bool

  init(_ input: Int, _ output: Int, stride: Int, expansion: Int) {
    let width = input * expansion
    conv = Sequential(
      (expansion == 1 ? [] : [Self.unit(input, width, kernel: 1)]) + [
        Self.unit(width, width, kernel: 3, stride: stride, groups: width),
        Conv2d.unbiased(width, output, kernel: 1), BatchNorm(features: output),
      ])
    isResidual = stride == 1 && input == output
  }

  func forward(_ x: Tensor) throws -> Tensor {
    let y = try conv(x)
    return isResidual ? try x + y : y
  }

  func outputShape(for input: Shape) throws -> Shape { try conv.outputShape(for: input) }

  /// A convolution, batch normalization, and ReLU up to 6.
  static func unit(_ input: Int, _ output: Int, kernel: Int, stride: Int = 1, groups: Int = 1)
    -> any Layer
  {
    Sequential(
      Conv2d.unbiased(input, output, kernel: kernel, stride: stride, groups: groups),
      BatchNorm(features: output), ReLU6())
  }
}

extension InvertedResidual: ONNXLayer {
  func onnx(_ x: ONNXValue, in graph: ONNXGraph) throws -> ONNXValue {
    let y = try graph.add(conv, to: x)
    return isResidual ? graph.sum(y, x) : y
  }
}
