import DLConfiguration
import DLLayers
import DLTensor

/// A Transformer encoder over the patches of an image, and a learned vector in front of them that
/// becomes the logits.
///
/// Dosovitskiy et al. 2021, table 1; 86,567,656 parameters by default for images of 224x224 with 1000
/// classes. Parameters are named as in torchvision's `VisionTransformer`, as `vit_b_16`. The table of
/// positions is as long as the data's images have patches.
package struct VisionTransformerOptions: ModelSpec {
  package static var name: String { "vit" }
  /// The height and width of a patch.
  package var patch = 16
  /// Transformer layers.
  package var layers = 12
  /// Features of a patch.
  package var width = 768
  /// Heads, which divide the width.
  package var heads = 12
  /// Features between the two matrices of the feed-forward part; four times the width unless given.
  package var feedForward: Int?
  /// The probability of dropout, everywhere but in attention.
  package var dropout = 0.0
  package init() {}

  package static var fields: [ConfigurationField<Self>] {
    [
      .init("patch", \.patch, .windowExtent, "height and width of a patch"),
      .init("layers", \.layers, .within(1...1024), "Transformer layers"),
      .init("width", \.width, .layerSize, "features of a patch"),
      .init("heads", \.heads, .layerSize, "heads, which divide the width"),
      .init(
        "feed_forward", \.feedForward, .layerSize,
        "features within the feed-forward part; four times the width unless given"),
      .init(
        "dropout", \.dropout, .within(0..<1), "probability of dropout, everywhere but in attention"),
    ]
  }

  package func problems() -> [ConfigurationProblem] { headProblems(width: width, heads: heads) }

  /// Makes the network for images.
  ///
  /// - Throws: ``TensorError`` for inputs that are no images, have no classes, or do not divide
  ///   into patches.
  package func network(for input: Shape, classes: Int?) throws -> Module {
    let classes = try ModelRegistry.requireImages(Self.name, input, classes)
    guard input[0].isMultiple(of: patch), input[1].isMultiple(of: patch), input[0] > 0, input[1] > 0
    else {
      throw TensorError(
        op: Self.name,
        "images of \(input[0])x\(input[1]) do not divide into patches of \(patch)x\(patch)")
    }
    return VisionTransformer(
      channels: input[2], patches: input[0] / patch * (input[1] / patch), classes: classes, self)
  }
}

/// The network of `VisionTransformerOptions`: `[batch, height, width, channels]` to
/// `[batch, classes]`.
package final class VisionTransformer: Module, Layer {
  private let classToken: Parameter
  private let convProj: Conv2d
  private let tokens = Tokens()
  private let encoder: VisionEncoder
  private let heads: NamedSequential
  let options: VisionTransformerOptions
  let classes: Int

  init(channels: Int, patches: Int, classes: Int, _ options: VisionTransformerOptions) {
    (self.options, self.classes) = (options, classes)
    let (patch, width) = (options.patch, options.width)
    classToken = Parameter([1, 1, width], initializer: .zeros)
    convProj = Conv2d(
      inputChannels: channels, outputChannels: width, kernelSize: Size2d(patch, patch),
      stride: Size2d(patch, patch))
    let fanIn = Double(channels * patch * patch)
    convProj.weight.initializer = .truncatedNormal(standardDeviation: 1 / fanIn.squareRoot())
    convProj.bias?.initializer = .zeros
    encoder = VisionEncoder(positions: patches + 1, options)
    let head = Linear(inputFeatures: width, outputFeatures: classes)
    head.weight.initializer = .zeros
    head.bias?.initializer = .zeros
    heads = NamedSequential(["head": head])
  }

  /// Applies the network.
  ///
  /// - Throws: ``TensorError`` for images of other channels or another number of patches, or where
  ///   there is no memory.
  package func forward(_ x: Tensor) throws -> Tensor {
    let patches = try tokens(convProj(x))
    let token = try classToken.value.broadcast(
      to: [patches.shape[0], 1, classToken.shape.last])
    return try heads(encoder(.concat([token, patches], axis: 1)).select(1, 0))
  }

  /// The number of products beside those of its layers, which is 0: the vector is put in front.
  package func multiplyAdds(input: Shape, output: Shape) -> Int { 0 }

  /// The output's shape without its batch axis.
  ///
  /// - Throws: ``TensorError`` for images of other channels or another number of patches.
  package func outputShape(for input: Shape) throws -> Shape {
    let patches = try tokens.outputShape(
      for: convProj.located { try convProj.outputShape(for: input) })
    let states = try encoder.outputShape(for: [patches[0] + 1, patches[1]])
    return try heads.outputShape(for: [states[1]])
  }
}

/// Positions, layers with normalization first, and a normalization.
///
/// Counterpart: `torchvision.models.vision_transformer.Encoder`.
private final class VisionEncoder: Module, Layer {
  private let posEmbedding: Parameter
  private let dropout: Dropout
  private let layers: NamedSequential
  private let ln: LayerNorm

  init(positions: Int, _ options: VisionTransformerOptions) {
    posEmbedding = Parameter(
      [1, positions, options.width], initializer: .normal(standardDeviation: 0.02))
    dropout = Dropout(p: options.dropout)
    layers = NamedSequential(
      (0..<options.layers).map { ("encoder_layer_\($0)", VisionEncoderBlock(options)) })
    ln = LayerNorm(features: options.width, eps: 1e-6)
  }

  func forward(_ x: Tensor) throws -> Tensor {
    guard x.shape.rank == 3, x.shape.dropFirst() == posEmbedding.shape.dropFirst() else {
      throw TensorError(
        op: "positions",
        "input has shape \(x.shape.dropFirst()), the table \(posEmbedding.shape.dropFirst())")
    }
    return try ln(layers(dropout(x + posEmbedding.value)))
  }

  func multiplyAdds(input: Shape, output: Shape) -> Int { 0 }

  func outputShape(for input: Shape) throws -> Shape {
    guard input == posEmbedding.shape.dropFirst() else {
      throw TensorError(
        op: "positions",
        "input has shape \(input), the table \(posEmbedding.shape.dropFirst())")
    }
    return try layers.outputShape(for: input)
  }
}

/// Attention and a feed-forward network, each behind a normalization and with the input added.
///
/// Counterpart: `torchvision.models.vision_transformer.EncoderBlock`.
private final class VisionEncoderBlock: Module, Layer {
  private let norm1: LayerNorm
  private let attention: MultiHeadAttention
  private let dropout: Dropout
  private let norm2: LayerNorm
  private let mlp: Sequential

  init(_ options: VisionTransformerOptions) {
    let width = options.width
    let inner = options.feedForward ?? 4 * width
    let (first, second) = (
      Linear(inputFeatures: width, outputFeatures: inner),
      Linear(inputFeatures: inner, outputFeatures: width)
    )
    for linear in [first, second] {
      linear.weight.initializer = .xavierUniform()
      linear.bias?.initializer = .normal(standardDeviation: 1e-6)
    }
    norm1 = LayerNorm(features: width, eps: 1e-6)
    attention = MultiHeadAttention(features: width, heads: options.heads)
    dropout = Dropout(p: options.dropout)
    norm2 = LayerNorm(features: width, eps: 1e-6)
    mlp = Sequential(
      first, GELU(), Dropout(p: options.dropout), second, Dropout(p: options.dropout))
  }

  override var children: [(name: String, value: Any)] {
    [
      ("ln_1", norm1), ("self_attention", attention), ("dropout", dropout), ("ln_2", norm2),
      ("mlp", mlp),
    ]
  }

  func forward(_ x: Tensor) throws -> Tensor {
    let x = try x + dropout(attention(norm1(x)))
    return try x + mlp(norm2(x))
  }

  func outputShape(for input: Shape) throws -> Shape { try attention.outputShape(for: input) }
}

extension VisionTransformer: ONNXLayer {
  /// Patches behind the class token, the encoder, and the head on the first position.
  ///
  /// - Throws: ``TensorError`` for images of other channels, before the network has an arena, or
  ///   where there is no memory for a constant.
  package func onnx(_ x: ONNXValue, in graph: ONNXGraph) throws -> ONNXValue {
    let patches = graph.channelsLast(try graph.add(tokens, to: graph.add(convProj, to: x)))
    let states = try graph.add(encoder, to: graph.withToken(classToken, before: patches))
    return try graph.add(heads, to: graph.position(0, of: states))
  }
}

extension VisionEncoder: ONNXLayer {
  func onnx(_ x: ONNXValue, in graph: ONNXGraph) throws -> ONNXValue {
    let placed = x.with(graph.node("Add", [x.name, try graph.weight(posEmbedding)]))
    return try graph.add(ln, to: graph.add(layers, to: placed))
  }
}

extension VisionEncoderBlock: ONNXLayer {
  func onnx(_ x: ONNXValue, in graph: ONNXGraph) throws -> ONNXValue {
    let x = graph.sum(x, try graph.add(attention, to: graph.add(norm1, to: x)))
    return graph.sum(x, try graph.add(mlp, to: graph.add(norm2, to: x)))
  }
}
