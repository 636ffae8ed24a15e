import DLConfiguration
import DLLayers
import DLTensor

/// Five convolutions and three linear layers, for images of 63x63 or more.
///
/// Krizhevsky, Sutskever and Hinton 2012, in the form of Krizhevsky 2014; 61,100,840 parameters with
/// 1000 classes. Parameters are named as in torchvision's `alexnet`. Feature maps of another size than
/// 6x6 are averaged or repeated to it.
package struct AlexNetOptions: ModelSpec {
  package static var name: String { "alexnet" }
  /// The width of the two linear layers in front of the logits.
  package var hidden = 4096
  /// The probability of dropout in front of them.
  package var dropout = 0.5
  package init() {}

  package static var fields: [ConfigurationField<Self>] {
    [
      .init("hidden", \.hidden, .layerSize, "width of the two linear layers before the logits"),
      .init("dropout", \.dropout, .within(0..<1), "probability of dropout in front of them"),
    ]
  }

  /// Makes the network for images.
  ///
  /// - Throws: ``TensorError`` for inputs that are no images, or have no classes.
  package func network(for input: Shape, classes: Int?) throws -> Module {
    let classes = try ModelRegistry.requireImages(Self.name, input, classes)
    func convolution(_ input: Int, _ output: Int) -> Conv2d {
      Conv2d(inputChannels: input, outputChannels: output, kernelSize: 3, padding: 1)
    }
    return FeatureClassifier(
      features: Sequential(
        Conv2d(
          inputChannels: input[2], outputChannels: 64, kernelSize: 11, stride: 4,
          padding: Size2d(2, 2)),
        ReLU(), MaxPool2d(kernelSize: 3, stride: 2),
        Conv2d(inputChannels: 64, outputChannels: 192, kernelSize: 5, padding: Size2d(2, 2)),
        ReLU(), MaxPool2d(kernelSize: 3, stride: 2),
        convolution(192, 384), ReLU(), convolution(384, 256), ReLU(), convolution(256, 256), ReLU(),
        MaxPool2d(kernelSize: 3, stride: 2)),
      avgpool: Sequential(AdaptiveAvgPool2d(outputSize: 6), Flatten()),
      classifier: Sequential(
        Dropout(p: dropout), Linear(inputFeatures: 256 * 36, outputFeatures: hidden), ReLU(),
        Dropout(p: dropout), Linear(inputFeatures: hidden, outputFeatures: hidden), ReLU(),
        Linear(inputFeatures: hidden, outputFeatures: classes)))
  }
}
