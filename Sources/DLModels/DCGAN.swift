import DLConfiguration
import DLLayers
import DLTensor

/// The deep convolutional generative adversarial network, for images of 28x28.
///
/// Radford, Metz and Chintala 2016: strided convolutions in place of pooling, batch normalization,
/// ReLU in the generator, leaky ReLU in the discriminator, images in -1 ... 1. Weights start as in
/// PyTorch's DCGAN example: normal with standard deviation 0.02, batch norm scales around 1.
package struct DCGANOptions: ModelSpec {
  package static var name: String { "dcgan" }
  /// The length of a vector of noise.
  package var latent = 100
  /// Channels of the layer before the image; the layer before has twice as many.
  package var width = 64
  /// The run folder of a classifier in whose features images are compared.
  package var features: String?
  /// The training of both.
  package var adversarial = AdversarialOptions()
  package init() {}

  package static var fields: [ConfigurationField<Self>] {
    [
      .init("latent", \.latent, .layerSize, "length of a vector of noise"),
      .init("width", \.width, .layerSize, "channels of the layer before the image"),
      .init(
        "features", \.features, .path,
        "run folder of a classifier of such images, for the Frechet distance"),
    ] + AdversarialOptions.fields(in: \Self.adversarial)
  }

  /// The game is written where it is not Goodfellow's.
  package static var unwrittenDefaults: Set<String> { AdversarialOptions.keys }

  /// Makes both networks for images.
  ///
  /// - Throws: ``TensorError`` for rows that are not `[28, 28, channels]`.
  package func network(for input: Shape, classes: Int?) throws -> Module {
    guard input.rank == 3, input[0] == 28, input[1] == 28 else {
      throw TensorError(op: Self.name, "input has shape \(input), expected [28, 28, channels]")
    }
    return DCGAN(
      latent: latent, width: width, channels: input[2], features: features, options: adversarial)
  }
}

/// Generator and discriminator of `DCGANOptions`.
package final class DCGAN: Module, GenerativeAdversarial {
  /// Maps noise to images.
  ///
  /// Shapes: `[batch, 1, 1, latent]` to `[batch, 28, 28, channels]`, between -1 and 1.
  package let generator: any Layer
  /// Maps images to one logit each, `[batch, 1]`.
  package let discriminator: any Layer
  /// The length of a vector of noise.
  package let latentSize: Int
  /// The run folder of a classifier of such images.
  package let features: String?
  /// The training of both.
  package let options: AdversarialOptions

  /// Makes both networks.
  package init(
    latent: Int = 100, width: Int = 64, channels: Int = 1, features: String? = nil,
    options: AdversarialOptions = AdversarialOptions()
  ) {
    latentSize = latent
    self.options = options
    self.features = features
    generator = Sequential(
      ConvTranspose2d(inputChannels: latent, outputChannels: 2 * width, kernelSize: 7, bias: false),
      BatchNorm(features: 2 * width), ReLU(),
      ConvTranspose2d(
        inputChannels: 2 * width, outputChannels: width, kernelSize: 4, stride: 2, padding: 1,
        bias: false),
      BatchNorm(features: width), ReLU(),
      ConvTranspose2d(
        inputChannels: width, outputChannels: channels, kernelSize: 4, stride: 2, padding: 1,
        bias: false), Tanh())
    discriminator = Sequential(
      Conv2d(
        inputChannels: channels, outputChannels: width, kernelSize: 4, stride: 2, padding: 1,
        bias: false),
      LeakyReLU(negativeSlope: 0.2),
      Conv2d(
        inputChannels: width, outputChannels: 2 * width, kernelSize: 4, stride: 2, padding: 1,
        bias: false),
      BatchNorm(features: 2 * width), LeakyReLU(negativeSlope: 0.2),
      Conv2d(inputChannels: 2 * width, outputChannels: 1, kernelSize: 7, bias: false), Flatten())
    super.init()
    for parameter in parameters() where parameter.shape.rank == 4 {
      parameter.initializer = .normal(standardDeviation: 0.02)
    }
    for layer in [generator, discriminator] {
      for case let norm as BatchNorm in (layer as? Sequential)?.layers ?? [] {
        norm.weight?.initializer = Initializer { 1 + 0.02 * $0.normal() }
      }
    }
  }
}
