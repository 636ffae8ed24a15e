/// The way to the sentences of film reviews in fewer words: hidden ones are told among all.
private let reviewsHelp =
  "pack the sentences by `dltrain data pack sentences neg.txt pos.txt --max-words 4000 -o reviews-4000`, "
  + "then add --set data.train=reviews-4000/train.safetensors "
  + "--set data.validation=reviews-4000/validation.safetensors"

/// A small Transformer encoder over sentences, with one of two heads.
private func bertYAML(_ name: String, head: String, _ job: String) -> String {
  """
  name: \(name)
  model: {name: bert, head: \(head), vocabulary: 4002, padding_idx: 0, layers: 2, width: 64, heads: 4}
  \(job)
  """
}

extension Recipe {
  /// Words that are hidden, told by those around them.
  static let bertMaskedPolarity = Recipe(
    name: "bert-masked-polarity",
    summary:
      "BERT on sentences from film reviews: words that are hidden, told by the others",
    dataHelp: reviewsHelp,
    yaml: bertYAML(
      "bert-masked-polarity", head: "masked",
      """
      optimizer: {name: adamw, lr: 1.0e-3, weight_decay: 0.01, clip_norm: 1}
      schedule: {name: cosine, warmup_epochs: 1}
      batch_size: 64
      epochs: 10
      validate: {every_epochs: 2}
      """))

  /// The sentiment, from what was learned by filling in words.
  static let bertPolarity = Recipe(
    name: "bert-polarity",
    summary: "BERT fine-tuned on the sentiment of sentences, from bert-masked-polarity",
    dataHelp: reviewsHelp + ", and --init-partial RUN of bert-masked-polarity",
    notes: "Without --init-partial it starts from scratch.",
    yaml: bertYAML(
      "bert-polarity", head: "classify",
      """
      loss: cross_entropy
      optimizer: {name: adamw, lr: 3.0e-4, weight_decay: 0.01, clip_norm: 1}
      schedule: {name: cosine, warmup_epochs: 0.5}
      batch_size: 50
      epochs: 4
      """))
}
