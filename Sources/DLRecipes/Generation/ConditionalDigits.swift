extension Recipe {
  /// Both networks are told which digit it is; Mirza and Osindero 2014.
  static let cganDigits = Recipe(
    name: "cgan-digits",
    summary: "conditional GAN on the embedded digits: a sheet with a digit in each place",
    standIn: (inputShape: [8, 8, 1], classes: 10),
    yaml: """
      name: cgan-digits
      data:
        train: embedded:digits-train
        validation: embedded:digits-validation
        normalize: {mean: [0.5], std: [0.5]}
      model:
        name: gan
        conditional: true
        latent: 32
        generator: [{linear: {out: 128}}, batch_norm, relu, {linear: {out: 64}}, tanh]
        discriminator:
          - flatten
          - {linear: {out: 128}}
          - {leaky_relu: {negative_slope: 0.2}}
          - {linear: {out: 64}}
          - {leaky_relu: {negative_slope: 0.2}}
          - {linear: {out: 1}}
      optimizer: {name: adam, lr: 5.0e-4, betas: [0.5, 0.999]}
      batch_size: 64
      epochs: 100
      validate: {every_epochs: 20}
      """)
}
