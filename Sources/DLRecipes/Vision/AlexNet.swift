extension Recipe {
  /// A small AlexNet on CIFAR-10: two convolutions with pooling, three linear layers.
  ///
  /// The one of Zhang et al. 2017, "Understanding deep learning requires rethinking generalization",
  /// with 1,387,786 parameters as there; the first convolution has no padding in place of their crops
  /// of 28x28. Krizhevsky et al. 2012 has five convolutions on 224x224.
  static let alexnetCIFAR10 = Recipe(
    name: "alexnet-cifar10", summary: "small AlexNet on CIFAR-10; 1.4 million parameters",
    standIn: CIFAR10.standIn, dataHelp: CIFAR10.help,
    yaml: """
      name: alexnet-cifar10
      \(CIFAR10.data)
      model:
        layers:
          - {conv2d: {out: 64, kernel: 5}}
          - relu
          - {max_pool2d: {kernel: 3, stride: 2, padding: 1}}
          - {conv2d: {out: 64, kernel: 5, padding: 2}}
          - relu
          - {max_pool2d: {kernel: 3, stride: 2, padding: 1}}
          - flatten
          - {linear: {out: 384}}
          - relu
          - {linear: {out: 192}}
          - relu
          - {linear: {out: 10}}
      \(CIFAR10.training(lr: 0.02, epochs: 10))
      """)
}
