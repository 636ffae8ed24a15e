/// The way to get the words of film reviews as one text.
private let reviewsHelp =
  "put the sentences into one file, `cat neg.txt pos.txt > reviews.txt`, pack its words by "
  + "`dltrain data pack text reviews.txt --words --min-count 5 -o reviews`, then add "
  + "--set data.train=reviews/train.safetensors --set data.validation=reviews/validation.safetensors"

private func word2vecYAML(_ name: String, kind: String) -> String {
  """
  name: \(name)
  data: {window: 11}
  model: {name: word2vec, kind: \(kind), size: 100, negatives: 5, subsample: 1.0e-3}
  optimizer: {name: adam, lr: 2.0e-3}
  schedule: {name: cosine, end_factor: 0.05}
  batch_size: 512
  epochs: 5
  """
}

extension Recipe {
  /// Skip-gram with negative sampling.
  static let skipGramPolarity = Recipe(
    name: "skipgram-polarity",
    summary:
      "vectors of words from film reviews, by asking for the words around each (word2vec)",
    dataHelp: reviewsHelp, notes: "`dltrain neighbors RUN WORD` lists the words beside others",
    yaml: word2vecYAML("skipgram-polarity", kind: "skip_gram"))

  /// Continuous bag of words with negative sampling.
  static let cbowPolarity = Recipe(
    name: "cbow-polarity",
    summary:
      "vectors of words from film reviews, by asking for the word amid others (word2vec)",
    dataHelp: reviewsHelp, notes: "`dltrain neighbors RUN WORD` lists the words beside others",
    yaml: word2vecYAML("cbow-polarity", kind: "cbow"))

  /// Counts of three characters.
  static let ngramShakespeare = Recipe(
    name: "ngram-shakespeare",
    summary:
      "trigrams of characters of Shakespeare, Kneser-Ney smoothing, by one pass of counts",
    dataHelp: Recipe.gptShakespeare.dataHelp,
    notes:
      "--set model.order=4 counts longer ones, in 70 MB; --set model.smoothing=add_k and interpolated "
      + "smooth otherwise",
    yaml: """
      name: ngram-shakespeare
      data: {window: 64}
      model: {name: ngram, order: 3, smoothing: kneser_ney}
      batch_size: 64
      steps: 1
      validate: {every_steps: 1, batch_size: 64, metrics: [perplexity]}
      """)
}
