/// The way to get pairs of texts that are taken out of a corpus.
private func corpusHelp(_ kind: String, _ files: String, vocabulary: Int = 2000) -> String {
  pairsHelp(kind, by: "text_pairs.py", files, vocabulary: vocabulary)
}

/// A recurrent encoder and decoder with additive attention; other keys of the model and the job.
private func pairsYAML(_ name: String, model: String = "", batch: Int, epochs: Int) -> String {
  """
  name: \(name)
  data: {order: bucketed}
  model: {name: seq2seq, width: 128, attention: additive\(model), dropout: 0.3, beam: 1}
  optimizer: {name: adam, lr: 2.0e-3, clip_norm: 1.0}
  schedule: {name: cosine, end_factor: 0.05}
  batch_size: \(batch)
  epochs: \(epochs)
  validate: {every_epochs: \(max(epochs / 4, 1)), batch_size: 100}
  """
}

// What is no translation, and can be written as one.
extension Recipe {
  /// Answers that are words of the text, which the decoder copies.
  static let questionsParTUT = Recipe(
    name: "questions-partut",
    summary: "questions about a sentence, answered by words of it (English ParTUT)",
    dataHelp: corpusHelp("questions", "train.conllu test.conllu"),
    yaml: pairsYAML("questions-partut", model: ", copy: true", batch: 32, epochs: 12))

  /// Answers on a stage, as the next one's speech.
  static let turnsShakespeare = Recipe(
    name: "turns-shakespeare", summary: "answers to what is said on Shakespeare's stage",
    dataHelp: corpusHelp("turns", "input.txt"),
    notes: "`dltrain predict RUN FILE` answers the lines of a file",
    yaml: pairsYAML("turns-shakespeare", batch: 32, epochs: 6))

  /// A tree as the text of its brackets (Vinyals and others 2015).
  static let parsesParTUT = Recipe(
    name: "parses-partut",
    summary: "a sentence's dependency tree, written in brackets (English ParTUT)",
    dataHelp: corpusHelp("parses", "train.conllu test.conllu"),
    yaml: pairsYAML("parses-partut", batch: 32, epochs: 20))

  /// Several classes of a text, one word after the other.
  static let topicsDeEn = Recipe(
    name: "topics-de-en",
    summary: "what a German caption is about, in English words one after the other (Multi30k)",
    dataHelp: corpusHelp("topics", "train.de train.en val.de val.en", vocabulary: 4000),
    yaml: pairsYAML("topics-de-en", batch: 64, epochs: 3))

  /// Several classes of a text, each a yes or no of its own.
  static let topicsMulti30k = Recipe(
    name: "topics-multi30k",
    summary: "which of twenty things a German caption is about, each a yes or no (Multi30k)",
    dataHelp:
      "make the texts by `python3 scripts/data/text_pairs.py labels labels train.de train.en val.de val.en`, "
      + "pack them by `dltrain data pack sentences labels/train.tsv --validation labels/test.tsv "
      + "--multi-label --min-count 2 -o topics`, then add --set data.train=topics/train.safetensors "
      + "--set data.validation=topics/validation.safetensors",
    yaml: """
      name: topics-multi30k
      model:
        layers:
          - embedding: {entries: 6825, size: 128, padding_idx: 0}
          - gru: {hidden: 64}
          - global_max_pool1d
          - dropout: {p: 0.5}
          - linear: {out: 20}
      loss: bce_with_logits
      optimizer: {name: adam, lr: 5.0e-3}
      batch_size: 64
      epochs: 6
      validate: {metrics: [f1, roc_auc]}
      """)
}
