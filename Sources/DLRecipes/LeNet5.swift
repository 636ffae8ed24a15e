extension Recipe {
  /// LeNet-5 as first published but for ReLU and max pooling, on made-up images: a workload to
  /// measure.
  static let lenet5 = Recipe(
    name: "lenet5-28x28", summary: "plain LeNet-5 on synthetic 28x28 images, to measure a step",
    standIn: (inputShape: [28, 28, 1], classes: 10),
    yaml: """
      name: lenet5-28x28
      data: {synthetic: {shape: [28, 28, 1], classes: 10, rows: 4096}}
      model:
        layers:
          - {conv2d: {out: 6, kernel: 5, padding: 2}}
          - relu
          - {max_pool2d: {kernel: 2}}
          - {conv2d: {out: 16, kernel: 5}}
          - relu
          - {max_pool2d: {kernel: 2}}
          - flatten
          - {linear: {out: 120}}
          - relu
          - {linear: {out: 84}}
          - relu
          - {linear: {out: 10}}
      loss: cross_entropy
      optimizer: {name: sgd, lr: 0.01, momentum: 0.9}
      batch_size: 64
      epochs: 1
      """)
}
