/// A recurrent encoder and decoder on the pairs of `transformer-de-en`, with other keys of the model and
/// the job.
private func recurrentYAML(_ name: String, _ model: String) -> String {
  """
  name: \(name)
  data: {order: bucketed}
  model: {name: seq2seq, width: 256, \(model), dropout: 0.3, beam: 4}
  optimizer: {name: adam, lr: 1.0e-3, clip_norm: 1.0}
  schedule: {name: cosine, end_factor: 0.05}
  batch_size: 64
  epochs: 5
  validate: {every_epochs: 1, batch_size: 64}
  """
}

extension Recipe {
  /// Attention by products behind the recurrence.
  static let gruDeEn = Recipe(
    name: "gru-de-en",
    summary: "GRU encoder and decoder with attention on Multi30k, German to English",
    dataHelp: Recipe.transformerDeEn.dataHelp,
    notes:
      "--set model.beam=1 writes greedily, --set model.sampling=0.25 "
      + "--set model.sampling_steps=2000 trains on its own choices; dltrain predict RUN FILE "
      + "--attention map.svg shows what the decoder looks at",
    yaml: recurrentYAML("gru-de-en", "attention: dot"))

  /// One state between encoder and decoder.
  static let gruPlainDeEn = Recipe(
    name: "gru-plain-de-en",
    summary: "the same without attention: one state between encoder and decoder",
    dataHelp: Recipe.transformerDeEn.dataHelp,
    yaml: recurrentYAML("gru-plain-de-en", "attention: none"))

  /// Bahdanau's scores.
  static let gruAdditiveDeEn = Recipe(
    name: "gru-additive-de-en", summary: "the same with additive attention",
    dataHelp: Recipe.transformerDeEn.dataHelp,
    yaml: recurrentYAML("gru-additive-de-en", "attention: additive"))

  /// Attention without a softmax.
  static let gruReLUDeEn = Recipe(
    name: "gru-relu-de-en", summary: "the same with attention by ReLU in the place of a softmax",
    dataHelp: Recipe.transformerDeEn.dataHelp,
    yaml: recurrentYAML("gru-relu-de-en", "attention: relu"))

  /// The BLEU of drawn translations as a loss, from the weights of `gru-de-en`.
  static let selfCriticalDeEn = Recipe(
    name: "self-critical-de-en",
    summary: "gru-de-en trained further on the BLEU of its own translations (self-critical)",
    dataHelp: (Recipe.transformerDeEn.dataHelp ?? "") + ", and --init RUN of gru-de-en",
    yaml: """
      name: self-critical-de-en
      data: {order: bucketed}
      model:
        name: seq2seq
        width: 256
        attention: dot
        dropout: 0.0
        beam: 4
        self_critical: 0.9
      optimizer: {name: adam, lr: 5.0e-5, clip_norm: 1.0}
      batch_size: 64
      epochs: 2
      validate: {every_epochs: 1, batch_size: 64}
      """)
}
