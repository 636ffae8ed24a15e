/// The way to get the sentences of film reviews.
private let polarityHelp = Recipe.cnnPolarity.dataHelp

/// The way to get the tagged sentences.
private let partutHelp = Recipe.windowParTUT.dataHelp

/// A layer of attention over the words of a sentence.
private func attentionYAML(_ name: String, window: String) -> String {
  """
  name: \(name)
  model:
    layers:
      - embedding: {entries: 3312, size: 100, padding_idx: 0}
      - positional
      - dropout: {p: 0.3}
      - transformer_encoder_layer: {heads: 4, feed_forward: 200, dropout: 0.3\(window)}
      - linear: {out: 17}
  loss: {cross_entropy: {ignore_index: -100}}
  optimizer: {name: adam, lr: 2.0e-3}
  batch_size: 32
  epochs: 8
  """
}

extension Recipe {
  /// Convolutions over three, four and five words, with the largest output of each (Kim 2014, CNN-rand
  /// without its bound on the weights of the last layer).
  static let textCNNPolarity = Recipe(
    name: "textcnn-polarity",
    summary: "convolutions over 3, 4 and 5 words, the sentiment of sentences from film reviews",
    dataHelp: polarityHelp,
    yaml: """
      name: textcnn-polarity
      model:
        layers:
          - embedding: {entries: 10002, size: 128, padding_idx: 0}
          - concat:
              branches:
                - [{conv1d: {out: 100, kernel: 3, padding: 2}}, relu, global_max_pool1d]
                - [{conv1d: {out: 100, kernel: 4, padding: 3}}, relu, global_max_pool1d]
                - [{conv1d: {out: 100, kernel: 5, padding: 4}}, relu, global_max_pool1d]
          - dropout: {p: 0.5}
          - linear: {out: 2}
      loss: cross_entropy
      optimizer: {name: adam, lr: 1.0e-3}
      batch_size: 50
      epochs: 6
      """)

  /// The whole sentence from both ends.
  static let bilstmPolarity = Recipe(
    name: "bilstm-polarity",
    summary: "bidirectional LSTM over words, the sentiment of sentences from film reviews",
    dataHelp: polarityHelp,
    yaml: recurrentPolarity("bilstm-polarity", "lstm: {hidden: 64, bidirectional: true}"))

  /// Two layers, each over the states of the one below.
  static let deepLSTMPolarity = Recipe(
    name: "deep-lstm-polarity",
    summary: "two LSTM layers over words, the sentiment of sentences from film reviews",
    dataHelp: polarityHelp,
    yaml: recurrentPolarity("deep-lstm-polarity", "lstm: {hidden: 64, layers: 2}"))

  /// Every word looks at all, and the mean of the outputs says what the sentence means.
  static let attentionPolarity = Recipe(
    name: "attention-polarity",
    summary: "self-attention over words, the sentiment of sentences from film reviews",
    dataHelp: polarityHelp,
    yaml: """
      name: attention-polarity
      model:
        layers:
          - embedding: {entries: 10002, size: 64, padding_idx: 0}
          - positional
          - dropout: {p: 0.3}
          - transformer_encoder_layer: {heads: 4, feed_forward: 128, dropout: 0.3}
          - global_avg_pool1d
          - dropout: {p: 0.5}
          - linear: {out: 2}
      loss: cross_entropy
      optimizer: {name: adam, lr: 2.0e-3}
      batch_size: 50
      epochs: 6
      """)

  /// Every word looks at the whole sentence.
  static let attentionParTUT = Recipe(
    name: "attention-partut",
    summary: "parts of speech by self-attention over the sentence (English ParTUT)",
    dataHelp: partutHelp, yaml: attentionYAML("attention-partut", window: ""))

  /// Every word looks at two on either side.
  static let localAttentionParTUT = Recipe(
    name: "local-attention-partut",
    summary: "parts of speech by self-attention to two words on either side (English ParTUT)",
    dataHelp: partutHelp, yaml: attentionYAML("local-attention-partut", window: ", window: 2"))

  /// A bidirectional LSTM whose tags are chosen together.
  static let bilstmCRFParTUT = Recipe(
    name: "bilstm-crf-partut",
    summary: "parts of speech by a bidirectional LSTM and a CRF (English ParTUT)",
    dataHelp: partutHelp,
    notes:
      "--set model.layers.5.crf.decode=greedy chooses tags from left to right, marginal each by "
      + "itself",
    yaml: """
      name: bilstm-crf-partut
      model:
        layers:
          - embedding: {entries: 3312, size: 100, padding_idx: 0}
          - dropout: {p: 0.3}
          - lstm: {hidden: 100, bidirectional: true}
          - dropout: {p: 0.3}
          - linear: {out: 17}
          - crf: {decode: viterbi}
      optimizer: {name: adam, lr: 2.0e-3}
      batch_size: 32
      epochs: 8
      """)
}
