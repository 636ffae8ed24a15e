/// How to get the recordings, and what is told of them.
private func help(_ field: String) -> String {
  "pack the recordings by `dltrain data pack audio recordings --label '{digit}_{speaker}_{index}' "
    + "--class \(field) --test index=0-4 --length 100 -o spoken-\(field)`, then add "
    + "--set data.train=spoken-\(field)/train.safetensors "
    + "--set data.validation=spoken-\(field)/test.safetensors"
}

/// Windows of nine frames, and the largest outputs over a recording.
private func framesYAML(_ name: String, classes: Int) -> String {
  """
  name: \(name)
  model:
    layers:
      - conv1d: {out: 128, kernel: 9, stride: 2}
      - relu
      - conv1d: {out: 128, kernel: 1}
      - relu
      - global_max_pool1d
      - dropout: {p: 0.3}
      - linear: {out: \(classes)}
  loss: cross_entropy
  optimizer: {name: adam, lr: 1.0e-3}
  batch_size: 32
  epochs: 10
  """
}

/// The whole recording from both ends.
private func bilstmYAML(_ name: String, classes: Int) -> String {
  """
  name: \(name)
  model:
    layers:
      - lstm: {hidden: 64, bidirectional: true}
      - global_max_pool1d
      - dropout: {p: 0.3}
      - linear: {out: \(classes)}
  loss: cross_entropy
  optimizer: {name: adam, lr: 2.0e-3}
  batch_size: 32
  epochs: 10
  """
}

extension Recipe {
  /// Which digit is said.
  static let framesSpokenDigits = Recipe(
    name: "frames-spoken-digits",
    summary: "spoken digits (WAV, log-mel) by layers over windows of nine frames",
    standIn: (inputShape: [100, 40], classes: 10), dataHelp: help("digit"),
    yaml: framesYAML("frames-spoken-digits", classes: 10))

  /// Who says it.
  static let framesSpokenSpeakers = Recipe(
    name: "frames-spoken-speakers",
    summary: "who says a digit (WAV, log-mel) by layers over windows of nine frames",
    standIn: (inputShape: [100, 40], classes: 6), dataHelp: help("speaker"),
    yaml: framesYAML("frames-spoken-speakers", classes: 6))

  /// Which digit is said.
  static let bilstmSpokenDigits = Recipe(
    name: "bilstm-spoken-digits",
    summary: "spoken digits (WAV, log-mel) by a bidirectional LSTM",
    standIn: (inputShape: [100, 40], classes: 10), dataHelp: help("digit"),
    yaml: bilstmYAML("bilstm-spoken-digits", classes: 10))

  /// Who says it.
  static let bilstmSpokenSpeakers = Recipe(
    name: "bilstm-spoken-speakers",
    summary: "who says a digit (WAV, log-mel) by a bidirectional LSTM",
    standIn: (inputShape: [100, 40], classes: 6), dataHelp: help("speaker"),
    yaml: bilstmYAML("bilstm-spoken-speakers", classes: 6))
}
