import DLLayers
import DLTensor

extension Zoo {
  /// A small convolutional network for 8x8 digits: two convolutions with batch normalisation, one
  /// linear layer.
  static let digitsCNN: Factory = { input, classes in
    let outputs = try requireImages("digits_cnn", input, classes)
    let features = Sequential(
      Conv2d(input[2], 16, kernel: 3, padding: 1, bias: false), BatchNorm(16), ReLU(),
      Conv2d(16, 32, kernel: 3, padding: 1, bias: false), BatchNorm(32), ReLU(),
      MaxPool2d(kernel: 2), Flatten())
    let width = try features.outputShape(for: input).last
    return Sequential(features.layers + [Linear(width, outputs)])
  }
}
