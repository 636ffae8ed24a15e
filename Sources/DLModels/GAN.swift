import DLConfiguration
import DLLayers
import DLTensor

/// A generative adversarial network whose two networks are given as layers, for rows of any shape.
///
/// Goodfellow et al. 2014; with `conditional` both networks are told the label (Mirza and Osindero
/// 2014).
package struct GANOptions: ModelSpec {
  package static var name: String { "gan" }
  /// The length of a vector of noise.
  package var latent = 100
  /// Layers from noise, and the label if it is told, to as many numbers as a row has.
  package var generator: [LayerConfiguration] = []
  /// Layers from a row, and the label if it is told, to one logit.
  package var discriminator: [LayerConfiguration] = []
  /// True if both networks are told the label.
  package var conditional = false
  /// The training of both.
  package var adversarial = AdversarialOptions()
  /// The run folder of a classifier in whose features images are compared.
  package var features: String?
  package init() {}

  package static var fields: [ConfigurationField<Self>] {
    [
      .init("latent", \.latent, .layerSize, "length of a vector of noise"),
      .init("generator", \.generator, required: true, "layers from noise to a row"),
      .init("discriminator", \.discriminator, required: true, "layers from a row to one logit"),
      .init("conditional", \.conditional, "whether both are told the label"),
    ] + AdversarialOptions.fields(in: \Self.adversarial) + [
      .init(
        "features", \.features, .path,
        "run folder of a classifier of such images, for the Frechet distance")
    ]
  }

  /// Makes both networks for rows of a shape.
  ///
  /// - Throws: ``TensorError`` with the path of a layer that does not take what comes before it,
  ///   where the generator makes no row or the discriminator no single logit, and where labels are
  ///   to be told and there are no classes.
  package func network(for input: Shape, classes: Int?) throws -> Module {
    var told = 0
    if conditional {
      guard let classes else {
        throw TensorError(
          op: Self.name, "conditional: the data have no classes; give data.classes or leave it out")
      }
      told = classes
    }
    let noise: Shape = [latent + told]
    let generator = try LayerConfiguration.chain(generator, input: noise, path: "generator")
    let made = try generator.outputShape(for: noise)
    guard made.count == input.count else {
      throw TensorError(
        op: Self.name, "generator gives \(made), a row is \(input); let its last layer give as much"
      )
    }
    let seen = Shape(Array(input.dimensions.dropLast()) + [input.last + told])
    let discriminator = try LayerConfiguration.chain(
      discriminator, input: seen, path: "discriminator")
    let logit = try discriminator.outputShape(for: seen)
    guard logit.count == 1 else {
      throw TensorError(op: Self.name, "discriminator gives \(logit), expected one logit")
    }
    return GAN(
      generator: generator, discriminator: discriminator, row: input, latent: latent,
      conditionClasses: conditional ? told : nil, options: adversarial, features: features)
  }
}

/// The networks of `GANOptions`.
package final class GAN: Module, GenerativeAdversarial {
  package let generator: any Layer
  package let discriminator: any Layer
  package let latentSize: Int
  package let features: String?
  package let options: AdversarialOptions
  package let conditionClasses: Int?

  init(
    generator: Sequential, discriminator: Sequential, row: Shape, latent: Int,
    conditionClasses: Int?, options: AdversarialOptions, features: String?
  ) {
    self.generator = Reshaped(generator, row: row)
    self.discriminator = Reshaped(discriminator, row: [1])
    latentSize = latent
    self.conditionClasses = conditionClasses
    self.options = options
    self.features = features
  }
}

/// A chain over noise `[batch, 1, 1, latent]`, or over rows, whose outputs get a shape.
private final class Reshaped: Module, Layer {
  private let chain: Sequential
  private let row: Shape

  init(_ chain: Sequential, row: Shape) {
    self.chain = chain
    self.row = row
  }

  /// The chain's own, as if nothing were around it.
  override var children: [(name: String, value: Any)] { chain.children }

  func forward(_ x: Tensor) throws -> Tensor {
    let isNoise = x.shape.rank == 4 && x.shape[1] == 1 && x.shape[2] == 1
    let x = isNoise ? try x.reshape([x.shape[0], x.shape[3]]) : x
    return try chain(x).reshape(row.prepending(x.shape[0]))
  }

  func outputShape(for input: Shape) -> Shape { row }
}

extension Reshaped: BuiltInTorchLayer {
  func torch(for input: Shape, in program: TorchProgram) throws -> TorchExpression {
    let isNoise = input.rank == 3 && input[0] == 1 && input[1] == 1
    let made = try program.expression(chain, for: isNoise ? [input[2]] : input)
    return program.shaped(made, row: row)
  }
}

extension Reshaped: ONNXLayer {
  func onnx(_ x: ONNXValue, in graph: ONNXGraph) throws -> ONNXValue {
    var x = graph.channelsLast(x)
    if x.row.rank == 3, x.row[0] == 1, x.row[1] == 1 {
      x = ONNXValue(graph.reshape(x.name, [x.row[2]]), row: [x.row[2]])
    }
    let y = graph.channelsLast(try graph.add(chain, to: x))
    return ONNXValue(graph.reshape(y.name, row.dimensions), row: row)
  }
}
