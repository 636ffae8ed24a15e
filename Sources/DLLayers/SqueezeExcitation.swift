import DLConfiguration
import DLTensor

/// A factor per channel that depends on the channels' means over the image.
///
/// `y = x · sigmoid(fc2(relu(fc1(mean(x)))))`, the mean over height and width, fc1 and fc2 being 1x1
/// convolutions from `channels` to `squeezeChannels` and back. Shapes:
/// `[batch, height, width, channels]`, unchanged. Hu et al. 2018, equations 2 to 4. Counterpart:
/// `torchvision.ops.SqueezeExcitation`, whose names the parameters have.
public final class SqueezeExcitation: BuiltInLayer {
  /// The options of the layer; the number of channels comes from the data.
  package struct Options: LayerSpec {
    package static var word: String { "squeeze_excitation" }
    /// The channels are divided by this between the two convolutions, down to 1 at least.
    package var reduction = 16
    package init() {}
    package static var fields: [ConfigurationField<Self>] {
      [
        .init(
          "reduction", \.reduction, .layerSize,
          "what the channels are divided by between the two convolutions, down to 1 at least")
      ]
    }
    package func layer(for input: Shape) throws -> any Layer {
      let channels = try channels(Self.word, input)
      return SqueezeExcitation(
        channels: channels, squeezeChannels: max(channels / max(reduction, 1), 1))
    }
  }

  /// The mean over height and width.
  package let avgpool = GlobalAvgPool2d()
  /// From the channels to fewer.
  package let fc1: Conv2d
  /// From these back to the channels.
  package let fc2: Conv2d

  /// Makes a layer for `channels`, with `squeezeChannels` between the two convolutions.
  public init(channels: Int, squeezeChannels: Int) {
    fc1 = Conv2d(inputChannels: channels, outputChannels: squeezeChannels, kernelSize: 1)
    fc2 = Conv2d(inputChannels: squeezeChannels, outputChannels: channels, kernelSize: 1)
  }

  override func forward(from x: Tensor) throws -> Tensor {
    let mean = try avgpool(x)
    let squeezed = try fc1(mean.reshape([mean.shape[0], 1, 1, mean.shape[1]]), relu: true)
    return try x * fc2(squeezed).sigmoid()
  }

  /// All positions.
  override var ownReceptiveField: ReceptiveField { .everything }

  /// The output's shape without its batch axis, which is the input's.
  override func outputShape(from input: Shape) throws -> Shape {
    try requirePixels(Options.word, input)
    _ = try fc1.located { try fc1.outputShape(for: [1, 1, input[2]]) }
    return input
  }
}
