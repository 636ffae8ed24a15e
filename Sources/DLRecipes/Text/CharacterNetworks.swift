/// The way to get the text.
private let shakespeareHelp = Recipe.gptShakespeare.dataHelp

/// Two recurrent layers over characters, in stretches with the state carried on.
private func recurrentYAML(_ name: String, _ layer: String) -> String {
  """
  name: \(name)
  data: {window: 64, order: sequential}
  model:
    layers:
      - embedding: {entries: 65, size: 256}
      - \(layer): {hidden: 256, layers: 2}
      - linear: {out: 65}
  loss: cross_entropy
  optimizer: {name: adam, lr: 2.0e-3, clip_norm: 1.0}
  schedule: {name: cosine, end_factor: 0.05}
  batch_size: 32
  epochs: 5
  validate: {every_epochs: 1, batch_size: 32}
  """
}

extension Recipe {
  /// The next character from the eight before it, by a hidden layer over their vectors (Bengio and
  /// others 2003): a convolution that begins seven places before the text and ends with it.
  static let neuralNgramShakespeare = Recipe(
    name: "neural-ngram-shakespeare",
    summary: "the next character of Shakespeare from the eight before it, by a hidden layer",
    dataHelp: shakespeareHelp,
    yaml: """
      name: neural-ngram-shakespeare
      data: {window: 64}
      model:
        layers:
          - embedding: {entries: 65, size: 32}
          - conv1d: {out: 256, kernel: 8, padding: [7, 0]}
          - tanh
          - linear: {out: 65}
      loss: cross_entropy
      optimizer: {name: adam, lr: 2.0e-3}
      schedule: {name: cosine, end_factor: 0.05}
      batch_size: 32
      steps: 3000
      validate: {every_steps: 500, batch_size: 64, metrics: [perplexity]}
      """)

  /// Plain recurrent layers, whose gradients vanish and explode.
  static let rnnShakespeare = Recipe(
    name: "rnn-shakespeare",
    summary: "two plain recurrent layers of 256 on characters of Shakespeare, carried state",
    dataHelp: shakespeareHelp, yaml: recurrentYAML("rnn-shakespeare", "rnn"))

  /// Gated recurrent units.
  static let gruShakespeare = Recipe(
    name: "gru-shakespeare",
    summary: "two GRU layers of 256 on characters of Shakespeare, carried state",
    dataHelp: shakespeareHelp, yaml: recurrentYAML("gru-shakespeare", "gru"))
}
