/// Makes a recipe of a network that says of a recording which digit is said, or who says it.
///
/// - Parameters:
///   - field: digit or speaker, which the network is to tell.
///   - yaml: gives the job from its name and the number of digits or speakers.
private func spoken(
  _ field: String, by method: String, _ prefix: String, _ yaml: (String, Int) -> String
) -> Recipe {
  let isDigit = field == "digit"
  let (name, classes) = ("\(prefix)-spoken-\(field)s", isDigit ? 10 : 6)
  let task = isDigit ? "spoken digits" : "who says a digit"
  return Recipe(
    name: name, summary: "\(task) (WAV, log-mel) by \(method)",
    standIn: (inputShape: [100, 40], classes: classes),
    dataHelp:
      "pack the recordings by `dltrain data pack audio recordings --label '{digit}_{speaker}_{index}' "
      + "--class \(field) --test index=0-4 --length 100 -o spoken-\(field)`, then add "
      + "--set data.train=spoken-\(field)/train.safetensors "
      + "--set data.validation=spoken-\(field)/test.safetensors",
    yaml: yaml(name, classes))
}

/// A conformer's encoder and the mean over a recording (Gulati and others 2020).
///
/// Each block is attention and convolution between two feed-forward layers, each a residual with a norm
/// in front. The factor 1/2 that the paper gives the feed-forward layers is left to their weights.
private func conformerYAML(_ name: String, _ classes: Int) -> String {
  """
  name: \(name)
  model:
    blocks:
      feed_forward:
        parameters: {width: 48, hidden: 96}
        layers:
          - residual:
              layers: [layer_norm, {linear: {out: $hidden}}, silu, {dropout: {p: 0.1}}, {linear: {out: $width}}]
      attention:
        parameters: {heads: 4}
        layers: [{residual: {layers: [layer_norm, {multi_head_attention: {heads: $heads}}, {dropout: {p: 0.1}}]}}]
      convolution:
        parameters: {width: 48, kernel: 9}
        layers:
          - residual:
              layers:
                - layer_norm
                - multiply:                       # a gated linear unit
                    branches: [[{linear: {out: $width}}], [{linear: {out: $width}}, sigmoid]]
                - {conv1d: {out: $width, kernel: $kernel, padding: ($kernel - 1) / 2, groups: $width, bias: false}}
                - batch_norm
                - silu
                - {linear: {out: $width}}
      conformer: {layers: [feed_forward, attention, convolution, feed_forward, layer_norm]}
    layers:
      - conv1d: {out: 48, kernel: 3, stride: 2, padding: 1}
      - silu
      - {positional: {kind: sinusoidal}}
      - repeat: {times: 2, layers: [conformer]}
      - global_avg_pool1d
      - linear: {out: \(classes)}
  loss: cross_entropy
  optimizer: {name: adam, lr: 1.0e-3, clip_norm: 5}
  schedule: {name: cosine, warmup_epochs: 1}
  batch_size: 32
  epochs: 10
  """
}

/// Windows of nine frames, and the largest outputs over a recording.
private func framesYAML(_ name: String, _ classes: Int) -> String {
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
private func bilstmYAML(_ name: String, _ classes: Int) -> String {
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

/// The networks' views of a recording, as their summaries say.
private let (frames, bilstm, conformer) = (
  "layers over windows of nine frames", "a bidirectional LSTM",
  "attention and convolution, as a conformer"
)

extension Recipe {
  /// Tells which digit is said.
  static let framesSpokenDigits = spoken("digit", by: frames, "frames", framesYAML)

  /// Who says it.
  static let framesSpokenSpeakers = spoken("speaker", by: frames, "frames", framesYAML)

  /// Tells which digit is said.
  static let bilstmSpokenDigits = spoken("digit", by: bilstm, "bilstm", bilstmYAML)

  /// Who says it.
  static let bilstmSpokenSpeakers = spoken("speaker", by: bilstm, "bilstm", bilstmYAML)

  /// Tells which digit is said.
  static let conformerSpokenDigits = spoken("digit", by: conformer, "conformer", conformerYAML)

  /// Who says it.
  static let conformerSpokenSpeakers = spoken("speaker", by: conformer, "conformer", conformerYAML)

  /// Strings of digits without a word on where each of them is (Graves and others 2006).
  static let ctcSpokenStrings = Recipe(
    name: "ctc-spoken-strings",
    summary: "strings of 2 to 5 spoken digits by a bidirectional LSTM and CTC",
    dataHelp:
      "pack the recordings by `dltrain data pack audio recordings --label "
      + "'{digit}_{speaker}_{index}' --class digit --test index=0-4 --strings 2-5 -o "
      + "spoken-strings`, then add --set data.train=spoken-strings/train.safetensors "
      + "--set data.validation=spoken-strings/test.safetensors",
    yaml: """
      name: ctc-spoken-strings
      model:
        layers:
          - conv1d: {out: 64, kernel: 5, stride: 2, padding: 2}
          - relu
          - conv1d: {out: 64, kernel: 5, stride: 2, padding: 2}
          - relu
          - lstm: {hidden: 64, bidirectional: true}
          - dropout: {p: 0.2}
          - linear: {out: 11}
          - log_softmax
      loss: {ctc: {zero_infinity: true}}
      optimizer: {name: adam, lr: 2.0e-3, clip_norm: 5}
      schedule: {name: cosine}
      batch_size: 32
      epochs: 15
      """)
}
