import DLLayers
import DLTensor

/// LeNet-5 with batch normalization after each convolution, for images of 28x28 or more.
///
/// LeCun et al. 1998, figure 2, with ReLU and max pooling. 61,750 parameters for MNIST.
public struct LeNet5: ModelSpec {
  /// The name in a configuration.
  public static var name: String { "lenet5" }
  /// Makes the options.
  public init() {}

  /// Makes the network for images.
  public func network(for input: Shape, classes: Int?) throws -> Module {
    let outputs = try ModelRegistry.requireImages(Self.name, input, classes)
    let features = Sequential(
      Conv2d(inputChannels: input[2], outputChannels: 6, kernelSize: 5, padding: 2), BatchNorm(6),
      ReLU(), MaxPool2d(kernel: 2),
      Conv2d(inputChannels: 6, outputChannels: 16, kernelSize: 5), BatchNorm(16), ReLU(),
      MaxPool2d(kernel: 2), Flatten())
    let width = try features.outputShape(for: input).last
    return Sequential(
      features.layers + [Linear(width, 120), ReLU(), Linear(120, 84), ReLU(), Linear(84, outputs)])
  }
}
