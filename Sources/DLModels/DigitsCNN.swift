import DLLayers
import DLTensor

/// A small convolutional network for 8x8 digits: two convolutions with batch normalisation, one
/// linear layer.
public struct DigitsCNN: ModelSpec {
  /// The name in a configuration.
  public static var name: String { "digits_cnn" }
  /// Makes the options.
  public init() {}

  /// Makes the network for images.
  public func network(for input: Shape, classes: Int?) throws -> Module {
    let outputs = try ModelRegistry.requireImages(Self.name, input, classes)
    let features = Sequential(
      Conv2d(input[2], 16, kernel: 3, padding: 1, bias: false), BatchNorm(16), ReLU(),
      Conv2d(16, 32, kernel: 3, padding: 1, bias: false), BatchNorm(32), ReLU(),
      MaxPool2d(kernel: 2), Flatten())
    let width = try features.outputShape(for: input).last
    return Sequential(features.layers + [Linear(width, outputs)])
  }
}
