extension Recipe {
  /// LeNet-5 with batch normalization on MNIST.
  static let lenetMNIST = Recipe(
    name: "lenet-mnist", summary: "LeNet-5 with SyncBN on MNIST",
    standIn: (inputShape: [28, 28, 1], classes: 10),
    dataHelp:
      "pack the four IDX files of MNIST by `dltrain data pack mnist DIR -o mnist`, then add "
      + "--set data.train=mnist/train.safetensors --set data.validation=mnist/test.safetensors",
    yaml: """
      name: lenet-mnist
      data:
        normalize: {mean: [0.1307], std: [0.3081]}
      model: {name: lenet5}
      loss: cross_entropy
      optimizer: {name: sgd, lr: 0.05, momentum: 0.9, weight_decay: 5.0e-4}
      schedule: {name: cosine, warmup_epochs: 1}
      batch_size: 128
      epochs: 5
      """)
}
