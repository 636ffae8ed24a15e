extension Recipe {
  /// DCGAN on MNIST: a sheet of samples each epoch, and the Frechet distance where a LeNet is named.
  static let dcganMNIST = Recipe(
    name: "dcgan-mnist",
    summary:
      "DCGAN with SyncBN and two Adams on MNIST; sheets of samples as PNG",
    standIn: (inputShape: [28, 28, 1], classes: 10),
    dataHelp:
      "pack the four IDX files of MNIST by `dltrain data pack mnist DIR -o mnist`, then add "
      + "--set data.train=mnist/train.safetensors --set data.validation=mnist/test.safetensors, and "
      + "--set model.features=RUN of lenet-mnist for the Frechet distance",
    yaml: """
      name: dcgan-mnist
      data:
        normalize: {mean: [0.5], std: [0.5]}
        last_batch: drop
      model: {name: dcgan, latent: 100, width: 64}
      optimizers:
        discriminator: {name: adam, lr: 0.0002, betas: [0.5, 0.999]}
        generator: {name: adam, lr: 0.0002, betas: [0.5, 0.999]}
      batch_size: 128
      epochs: 10
      """)
}
