import DLConfiguration
import DLData

extension BLEU.Tokenization: ConfigurationWord {}

/// Corpus BLEU of translations, 0 to 100.
///
/// Papineni et al. 2002; counterpart: `sacrebleu.corpus_bleu`.
package struct BLEUMetric: MetricSpec {
  package static var word: String { "bleu" }
  /// The way in which texts are cut into words.
  package var tokenization = BLEU.Tokenization.none

  /// Makes the metric of words between blanks.
  package init() {}

  package init(tokenization: BLEU.Tokenization) { self.tokenization = tokenization }

  package static var fields: [ConfigurationField<Self>] {
    [.init("tokenize", \.tokenization, "none for words between blanks, or 13a")]
  }

  /// `bleu`, or `bleu_13a`.
  package var name: String { tokenization == .none ? Self.word : "bleu_\(tokenization.rawValue)" }

  /// The counts of n-grams and words.
  ///
  /// - Throws: ``MetricMisfit`` where the task predicts something else.
  package func sums(for task: MetricTask) throws -> MetricSums {
    guard task.predictions == .text else { throw MetricMisfit("needs text", task) }
    return MetricSums(counts: BLEU.Counts().values.count)
  }

  package func add(_ batch: MetricBatch, to sums: inout MetricSums) throws {
    guard case .texts(let candidates, let references) = batch else {
      throw MetricMisfit("needs text, the model predicts \(batch.kind)")
    }
    var counts = BLEU.Counts(sums.counts)
    for (candidate, reference) in zip(candidates, references) {
      counts.add(candidate, references: [reference], tokenization: tokenization)
    }
    sums.counts = counts.values
  }

  /// The score.
  package func result(_ sums: MetricSums) -> MetricResult {
    MetricResult(name, BLEU(BLEU.Counts(sums.counts)).score, higherIsBetter: true)
  }
}
