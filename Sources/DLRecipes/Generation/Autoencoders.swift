extension Recipe {
  /// Kingma and Welling 2014, with 8 numbers for a digit.
  static let vaeDigits = Recipe(
    name: "vae-digits",
    summary: "variational autoencoder of 8 numbers on the embedded digits",
    standIn: (inputShape: [8, 8, 1], classes: 10),
    yaml: """
      name: vae-digits
      data: {train: embedded:digits-train, validation: embedded:digits-validation}
      model:
        name: vae
        latent: 8
        encoder: [flatten, {linear: {out: 128}}, relu]
        decoder: [{linear: {out: 128}}, relu, {linear: {out: 64}}]
      optimizer: {name: adam, lr: 2.0e-3}
      batch_size: 64
      epochs: 60
      validate: {every_epochs: 10}
      """)

  /// Kingma and Welling 2014 on MNIST: 400 hidden units, 20 numbers for a digit, as in PyTorch's
  /// example.
  static let vaeMNIST = Recipe(
    name: "vae-mnist",
    summary:
      "variational autoencoder of 20 numbers on MNIST, as PyTorch's example has it",
    standIn: (inputShape: [28, 28, 1], classes: 10), dataHelp: Recipe.lenetMNIST.dataHelp,
    yaml: """
      name: vae-mnist
      model:
        name: vae
        latent: 20
        encoder: [flatten, {linear: {out: 400}}, relu]
        decoder: [{linear: {out: 400}}, relu, {linear: {out: 784}}]
      optimizer: {name: adam, lr: 1.0e-3}
      batch_size: 128
      epochs: 10
      validate: {every_epochs: 1}
      """)
}
