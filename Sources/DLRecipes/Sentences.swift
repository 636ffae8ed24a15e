/// The way to get the sentences of film reviews.
private let polarityHelp =
  "pack the sentences by `dltrain data pack sentences neg.txt pos.txt --max-words 10000 -o polarity`, "
  + "then add --set data.train=polarity/train.safetensors "
  + "--set data.validation=polarity/validation.safetensors"

/// The way to get the tagged sentences.
private let partutHelp =
  "pack the treebank by `dltrain data pack conllu train.conllu --validation dev.conllu "
  + "--test test.conllu --min-count 2 --length 81 -o partut`, then add "
  + "--set data.train=partut/train.safetensors --set data.validation=partut/validation.safetensors"

/// The largest outputs of a recurrent layer over a sentence.
func recurrentPolarity(_ name: String, _ layer: String) -> String {
  """
  name: \(name)
  model:
    layers:
      - embedding: {entries: 10002, size: 128, padding_idx: 0}
      - \(layer)
      - global_max_pool1d
      - dropout: {p: 0.5}
      - linear: {out: 2}
  loss: cross_entropy
  optimizer: {name: adam, lr: 1.0e-3}
  batch_size: 50
  epochs: 4
  """
}

extension Recipe {
  /// An LSTM over the words.
  static let lstmPolarity = Recipe(
    name: "lstm-polarity",
    summary: "LSTM over words, the sentiment of sentences from film reviews",
    dataHelp: polarityHelp, yaml: recurrentPolarity("lstm-polarity", "lstm: {hidden: 64}"))

  /// A GRU over the words.
  static let gruPolarity = Recipe(
    name: "gru-polarity",
    summary: "GRU over words, the sentiment of sentences from film reviews",
    dataHelp: polarityHelp, yaml: recurrentPolarity("gru-polarity", "gru: {hidden: 64}"))

  /// A plain recurrent network over the words.
  static let rnnPolarity = Recipe(
    name: "rnn-polarity",
    summary: "plain recurrent network over words, the sentiment of sentences from film reviews",
    dataHelp: polarityHelp, yaml: recurrentPolarity("rnn-polarity", "rnn: {hidden: 64}"))

  /// A convolution over four words and its largest outputs, after Kim 2014, who has three widths.
  static let cnnPolarity = Recipe(
    name: "cnn-polarity",
    summary: "convolution over words, the sentiment of sentences from film reviews",
    dataHelp: polarityHelp,
    yaml: """
      name: cnn-polarity
      model:
        layers:
          - embedding: {entries: 10002, size: 128, padding_idx: 0}
          - conv1d: {out: 200, kernel: 4, padding: 3}
          - relu
          - global_max_pool1d
          - dropout: {p: 0.5}
          - linear: {out: 2}
      loss: cross_entropy
      optimizer: {name: adam, lr: 1.0e-3}
      batch_size: 50
      epochs: 6
      """)

  /// A window of three words; those that stand once are what unknown words are learned from.
  static let windowParTUT = Recipe(
    name: "window-partut",
    summary: "parts of speech from a window of three words (English ParTUT)",
    dataHelp: partutHelp,
    yaml: """
      name: window-partut
      model:
        layers:
          - embedding: {entries: 3312, size: 100, padding_idx: 0}
          - dropout: {p: 0.3}
          - conv1d: {out: 200, kernel: 3, padding: same}
          - relu
          - dropout: {p: 0.3}
          - linear: {out: 17}
      loss: {cross_entropy: {ignore_index: -100}}
      optimizer: {name: adam, lr: 2.0e-3}
      batch_size: 32
      epochs: 8
      """)

  /// The whole sentence from both ends.
  static let bilstmParTUT = Recipe(
    name: "bilstm-partut",
    summary: "parts of speech by a bidirectional LSTM (English ParTUT)",
    dataHelp: partutHelp,
    yaml: """
      name: bilstm-partut
      model:
        layers:
          - embedding: {entries: 3312, size: 100, padding_idx: 0}
          - dropout: {p: 0.3}
          - lstm: {hidden: 100, bidirectional: true}
          - dropout: {p: 0.3}
          - linear: {out: 17}
      loss: {cross_entropy: {ignore_index: -100}}
      optimizer: {name: adam, lr: 2.0e-3}
      batch_size: 32
      epochs: 8
      """)
}
