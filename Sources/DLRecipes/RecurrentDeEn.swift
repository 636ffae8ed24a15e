extension Recipe {
  /// A recurrent encoder and decoder on the pairs of `transformer-de-en`.
  static let gruDeEn = Recipe(
    name: "gru-de-en",
    summary: "GRU encoder and decoder with attention on Multi30k, German to English",
    dataHelp: Recipe.transformerDeEn.dataHelp,
    notes:
      "--set model.attention=none leaves one state between encoder and decoder, "
      + "--set model.attention=additive has Bahdanau's scores, --set model.beam=1 writes greedily",
    yaml: """
      name: gru-de-en
      data: {order: bucketed}
      model: {name: seq2seq, width: 256, attention: dot, dropout: 0.3, beam: 4}
      optimizer: {name: adam, lr: 1.0e-3, clip_norm: 1.0}
      schedule: {name: cosine, end_factor: 0.05}
      batch_size: 64
      epochs: 8
      validate: {every_epochs: 2, batch_size: 64}
      """)
}
