import DLLayers

/// The Frechet distance between features of real and of generated images, as FID reports it.
///
/// Heusel et al. 2017, equation 6. Its sums are rounded, along the fixed tree of the ranks.
package struct FrechetMetric: MetricSpec {
  package static var word: String { "frechet" }

  package init() {}

  /// `frechet_distance`.
  package var name: String { "frechet_distance" }

  /// Counts, sums and sums of products, of real images and of generated ones.
  ///
  /// - Throws: ``MetricMisfit`` where the task predicts something else.
  package func sums(for task: MetricTask) throws -> MetricSums {
    guard case .images(let width) = task.predictions, width > 0 else {
      throw MetricMisfit("needs images and model.features to look at them", task)
    }
    return MetricSums(treeSums: 2 * FeatureStatistics(width: width).sums.count)
  }

  package func add(_ batch: MetricBatch, to sums: inout MetricSums) throws {
    guard case .generated(let batch) = batch else {
      throw MetricMisfit("needs images, the model predicts \(batch.kind)")
    }
    let half = sums.treeSums.count / 2
    for (rows, range) in [(batch.real, 0..<half), (batch.generated, half..<2 * half)] {
      var statistics = FeatureStatistics(sums: sums.treeSums[range])
      statistics.add(rows)
      sums.treeSums.replaceSubrange(range, with: statistics.sums)
    }
  }

  /// The distance.
  package func result(_ sums: MetricSums) -> MetricResult {
    let half = sums.treeSums.count / 2
    return MetricResult(
      name,
      frechetDistance(
        FeatureStatistics(sums: sums.treeSums[..<half]),
        FeatureStatistics(sums: sums.treeSums[half...])),
      higherIsBetter: false)
  }
}
