import DLLayers

/// The distance of real and generated images by the loss of the discriminator that was trained to tell
/// them apart: the mean over rows of what ``GeneratedBatch/divergence`` adds up.
///
/// Its sums are rounded, along the fixed tree of the ranks.
package struct Divergence: MetricSpec {
  package static var word: String { "divergence" }

  package init() {}

  /// The sum and the rows.
  ///
  /// - Throws: ``MetricMisfit`` where the task predicts something else.
  package func sums(for task: MetricTask) throws -> MetricSums {
    guard case .images = task.predictions else {
      throw MetricMisfit("needs images of a generative adversarial network", task)
    }
    return MetricSums(counts: 1, treeSums: 1)
  }

  package func add(_ batch: MetricBatch, to sums: inout MetricSums) throws {
    guard case .generated(let batch) = batch else {
      throw MetricMisfit("needs images, the model predicts \(batch.kind)")
    }
    sums.counts[0] += batch.rows
    sums.treeSums[0] += batch.divergence
  }

  /// The mean.
  package func result(_ sums: MetricSums) -> MetricResult {
    MetricResult(name, sums.treeSums[0] / Double(sums.counts[0]), higherIsBetter: false)
  }
}
