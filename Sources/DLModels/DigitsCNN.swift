import DLLayers
import DLTensor

/// A small convolutional network for 8x8 digits: two convolutions with batch normalization, one
/// linear layer.
package struct DigitsCNN: ModelSpec {
  package static var name: String { "digits_cnn" }
  package init() {}

  /// Makes the network for images.
  ///
  /// - Throws: ``TensorError`` for inputs that are no images, have no classes, or are smaller than
  ///   the pooling's window.
  package func network(for input: Shape, classes: Int?) throws -> Module {
    let outputs = try ModelRegistry.requireImages(Self.name, input, classes)
    let features = Sequential(
      Conv2d(inputChannels: input[2], outputChannels: 16, kernelSize: 3, padding: 1, bias: false),
      BatchNorm(features: 16), ReLU(),
      Conv2d(inputChannels: 16, outputChannels: 32, kernelSize: 3, padding: 1, bias: false),
      BatchNorm(features: 32), ReLU(),
      MaxPool2d(kernelSize: 2), Flatten())
    let width = try features.outputShape(for: input).last
    return Sequential(features.layers + [Linear(inputFeatures: width, outputFeatures: outputs)])
  }
}
