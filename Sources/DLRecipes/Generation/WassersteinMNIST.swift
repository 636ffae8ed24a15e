/// A generator of 28x28 images and a critic without batch normalization.
private func networks(critic: (String) -> String) -> String {
  """
    latent: 64
    generator:
      - {linear: {out: 3136}}
      - {unflatten: {shape: [7, 7, 64]}}
      - batch_norm
      - relu
      - {conv_transpose2d: {out: 32, kernel: 4, stride: 2, padding: 1}}
      - batch_norm
      - relu
      - {conv_transpose2d: {out: 1, kernel: 4, stride: 2, padding: 1}}
      - tanh
    discriminator:
      - \(critic("{conv2d: {out: 32, kernel: 4, stride: 2, padding: 1}}"))
      - {leaky_relu: {negative_slope: 0.2}}
      - \(critic("{conv2d: {out: 64, kernel: 4, stride: 2, padding: 1}}"))
      - {leaky_relu: {negative_slope: 0.2}}
      - flatten
      - \(critic("{linear: {out: 1}}"))
  """
}

extension Recipe {
  /// A Wasserstein critic whose weights are clipped (Arjovsky and others 2017, algorithm 1).
  static let wganMNIST = Recipe(
    name: "wgan-mnist",
    summary: "Wasserstein GAN with weights clipped at 0.01, five critic steps, RMSprop",
    standIn: (inputShape: [28, 28, 1], classes: 10), dataHelp: Recipe.dcganMNIST.dataHelp,
    yaml: """
      name: wgan-mnist
      data: {normalize: {mean: [0.5], std: [0.5]}, last_batch: drop}
      model:
        name: gan
        objective: wasserstein
        critic_steps: 5
      \(networks { $0 })
      optimizers:
        discriminator: {name: rmsprop, lr: 5.0e-5, clip_weights: 0.01}
        generator: {name: rmsprop, lr: 5.0e-5}
      batch_size: 64
      epochs: 5
      """)

  /// A Wasserstein critic whose slope is held at 1 (Gulrajani and others 2017, algorithm 1).
  static let wganGPMNIST = Recipe(
    name: "wgan-gp-mnist",
    summary: "Wasserstein GAN with gradient penalty 10, five critic steps, Adam",
    standIn: (inputShape: [28, 28, 1], classes: 10), dataHelp: Recipe.dcganMNIST.dataHelp,
    yaml: """
      name: wgan-gp-mnist
      data: {normalize: {mean: [0.5], std: [0.5]}, last_batch: drop}
      model:
        name: gan
        objective: wasserstein
        critic_steps: 5
        gradient_penalty: 10
      \(networks { $0 })
      optimizer: {name: adam, lr: 1.0e-4, betas: [0.0, 0.9]}
      batch_size: 64
      epochs: 5
      """)

  /// A critic of spectral norm 1 under the hinge loss (Miyato and others 2018).
  static let snganMNIST = Recipe(
    name: "sngan-mnist",
    summary: "GAN with the hinge loss and a spectrally normalized discriminator",
    standIn: (inputShape: [28, 28, 1], classes: 10), dataHelp: Recipe.dcganMNIST.dataHelp,
    yaml: """
      name: sngan-mnist
      data: {normalize: {mean: [0.5], std: [0.5]}, last_batch: drop}
      model:
        name: gan
        objective: hinge
      \(networks { "{spectral_norm: {layers: [\($0)]}}" })
      optimizer: {name: adam, lr: 2.0e-4, betas: [0.0, 0.9]}
      batch_size: 64
      epochs: 5
      """)
}
