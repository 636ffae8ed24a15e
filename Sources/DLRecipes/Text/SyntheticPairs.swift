/// The way to get pairs of texts that a script writes into the folder `kind`, from `files` where it takes
/// any.
func pairsHelp(_ kind: String, by script: String, _ files: String = "", vocabulary: Int) -> String {
  let command =
    "python3 scripts/data/\(script) \(kind) \(kind)" + (files.isEmpty ? "" : " " + files)
  return "make the texts by `\(command)`, pack them by "
    + "`dltrain data pack parallel \(kind)/train.source \(kind)/train.target \(kind)/test.source "
    + "\(kind)/test.target --vocabulary \(vocabulary) -o \(kind)-pairs`, then add "
    + "--set data.train=\(kind)-pairs/train.safetensors "
    + "--set data.validation=\(kind)-pairs/test.safetensors"
}

extension Recipe {
  /// Answers that repeat a name which no training text has.
  static let copyNames = Recipe(
    name: "copy-names",
    summary:
      "copy mechanism (pointer-generator) on answers to people whose names are new",
    dataHelp: pairsHelp("names", by: "make_pairs.py", vocabulary: 120),
    notes: "--set model.copy=false is the same network without it",
    yaml: """
      name: copy-names
      data: {order: bucketed}
      model: {name: seq2seq, width: 64, attention: additive, copy: true, dropout: 0.1, beam: 1}
      optimizer: {name: adam, lr: 3.0e-3, clip_norm: 1.0}
      schedule: {name: cosine, end_factor: 0.05}
      batch_size: 32
      epochs: 10
      validate: {every_epochs: 2, batch_size: 100}
      """)

  /// Digits as words, along with which attention goes.
  static let guidedSpelling = Recipe(
    name: "guided-spelling",
    summary:
      "guided attention on digits that are spelled out, where the order is the same",
    dataHelp: pairsHelp("spelling", by: "make_pairs.py", vocabulary: 120),
    notes: "--set model.guided=0 leaves attention alone",
    yaml: """
      name: guided-spelling
      data: {order: bucketed}
      model: {name: seq2seq, width: 64, attention: additive, guided: 1, dropout: 0.1, beam: 1}
      optimizer: {name: adam, lr: 3.0e-3, clip_norm: 1.0}
      schedule: {name: cosine, end_factor: 0.05}
      batch_size: 32
      epochs: 5
      validate: {every_epochs: 1, batch_size: 100}
      """)
}
