import DLLayers

/// A metric of numbers beside the numbers that were wanted.
package protocol RegressionMetric: MetricSpec {
  /// The number of exact sums for rows of as many numbers.
  static func sumCount(_ width: Int) -> Int
  /// Adds a number of a column.
  static func add(_ value: Double, _ target: Double, column: Int, to sums: inout [ExactSum])
}

extension RegressionMetric {
  /// The number of elements, and sums over them.
  ///
  /// - Throws: ``MetricMisfit`` where the task predicts something else.
  package func sums(for task: MetricTask) throws -> MetricSums {
    guard case .values(let width) = task.predictions else {
      throw MetricMisfit("needs numbers", task)
    }
    return MetricSums(counts: 1, sums: Self.sumCount(width))
  }

  package func add(_ batch: MetricBatch, to sums: inout MetricSums) throws {
    let scores = try batch.scores
    guard case .values(let width) = scores.kind else {
      throw MetricMisfit("needs numbers, the model predicts \(scores.kind)")
    }
    let (values, targets) = (scores.outputs.doubles, scores.labels.doubles)
    for index in values.indices {
      Self.add(values[index], targets[index], column: index % width, to: &sums.sums)
    }
    sums.counts[0] += values.count
  }
}
