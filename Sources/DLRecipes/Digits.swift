extension Recipe {
  /// Handwritten digits of 8x8 pixels, 99.0% after 15 epochs; the data comes with the program.
  static let digits = Recipe(
    name: "digits",
    summary: "CNN with SyncBN on 1,797 handwritten digits (embedded)",
    standIn: (inputShape: [8, 8, 1], classes: 10),
    yaml: """
      name: digits
      data:
        train: embedded:digits-train
        validation: embedded:digits-validation
        normalize: {mean: [0.3], std: [0.37]}
      model: {name: digits_cnn}
      loss: cross_entropy
      optimizer: {name: sgd, lr: 0.1, momentum: 0.9, weight_decay: 5.0e-4}
      schedule: {name: cosine, warmup_epochs: 1}
      batch_size: 64
      epochs: 15
      """)
}
