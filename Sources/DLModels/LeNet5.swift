import DLLayers
import DLTensor

/// LeNet-5 with batch normalization after each convolution, for images of 28x28 or more.
///
/// LeCun et al. 1998, figure 2, with ReLU and max pooling. 61,750 parameters for MNIST.
package struct LeNet5: ModelSpec {
  package static var name: String { "lenet5" }
  package init() {}

  /// Makes the network for images.
  ///
  /// - Throws: ``TensorError`` for inputs that are no images, have no classes, or are smaller than
  ///   a window.
  package func network(for input: Shape, classes: Int?) throws -> Module {
    let outputs = try ModelRegistry.requireImages(Self.name, input, classes)
    let features = Sequential(
      Conv2d(inputChannels: input[2], outputChannels: 6, kernelSize: 5, padding: 2),
      BatchNorm(features: 6),
      ReLU(), MaxPool2d(kernelSize: 2),
      Conv2d(inputChannels: 6, outputChannels: 16, kernelSize: 5), BatchNorm(features: 16), ReLU(),
      MaxPool2d(kernelSize: 2), Flatten())
    let width = try features.outputShape(for: input).last
    return Sequential(
      features.layers + [
        Linear(inputFeatures: width, outputFeatures: 120), ReLU(),
        Linear(inputFeatures: 120, outputFeatures: 84), ReLU(),
        Linear(inputFeatures: 84, outputFeatures: outputs),
      ])
  }
}
