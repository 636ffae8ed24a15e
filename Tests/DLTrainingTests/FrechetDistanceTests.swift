import DLCluster
import DLTensor
import DLTestSupport
import DLTraining
import Testing

@Suite struct FrechetDistanceTests {
  /// Rows with the given mean and a covariance of `rotation · diagonal · rotationᵀ`, exactly: for
  /// each axis two rows on either side of the mean.
  private func statistics(mean: [Double], deviations: [Double], angle: Double = 0)
    -> FeatureStatistics
  {
    let count = 2.0 * Double(mean.count)
    let (c, s) = (1 / (1 + angle * angle).squareRoot(), angle / (1 + angle * angle).squareRoot())
    var result = FeatureStatistics(width: mean.count)
    for (axis, deviation) in deviations.enumerated() {
      // Two rows at ±d add 2 d² to a sum that is divided by count - 1.
      let d = deviation * ((count - 1) / 2).squareRoot()
      for sign in [-1.0, 1] {
        var row = [Double](repeating: 0, count: mean.count)
        row[axis] = sign * d
        let (x, y) = (row[0], row[1])
        (row[0], row[1]) = (c * x - s * y, s * x + c * y)
        result.add(zipped(mean, row).map { $0 + $1 })
      }
    }
    return result
  }

  /// Where both covariances have the same axes, the distance is that of means and deviations.
  @Test(arguments: [0, 0.3, 2.5])
  func equalAxes(angle: Double) {
    let a = statistics(mean: [1, -2, 0.5], deviations: [1, 0.5, 2], angle: angle)
    let b = statistics(mean: [0, 1, 0.25], deviations: [0.25, 3, 2], angle: angle)
    let want = 1 + 9 + 0.0625 + 0.75 * 0.75 + 2.5 * 2.5
    #expect(abs(frechetDistance(a, b) - want) < 1e-9)
    #expect(abs(frechetDistance(b, a) - want) < 1e-9)
    #expect(abs(frechetDistance(a, a)) < 1e-9)
  }

  /// In two dimensions tr (C₁ C₂)^½ = √(tr C₁C₂ + 2 √det C₁C₂).
  @Test func turnedAxes() {
    let a = statistics(mean: [0, 0], deviations: [1, 3])
    let b = statistics(mean: [0, 0], deviations: [1, 3], angle: 1)
    // C₁ = diag(1, 9); C₂, turned by 45°, has 5 on its diagonal and -4 beside it.
    let trace = 1.0 * 5 + 9 * 5
    let want = 10 + 10 - 2 * (trace + 2 * 9).squareRoot()
    #expect(abs(frechetDistance(a, b) - want) < 1e-9)
  }

  @Test func ranksAddUp() throws {
    var stream = RandomStream(RandomKey(4))
    let rows = (0..<30 * 5).map { _ in stream.normal() }
    var whole = FeatureStatistics(width: 5)
    whole.add(rows)
    let expected = whole
    let other = statistics(mean: [0, 0, 0, 0, 0], deviations: [1, 1, 1, 1, 1])
    let distances = try ThreadGroup.run(ranks: 3) { communicator in
      var part = FeatureStatistics(width: 5)
      part.add(Array(rows[communicator.rank * 50..<(communicator.rank + 1) * 50]))
      var sums = part.sums
      try communicator.allreduceSum(&sums)
      return frechetDistance(FeatureStatistics(sums: sums), other)
    }
    for distance in distances { #expect(abs(distance - frechetDistance(expected, other)) < 1e-9) }
  }
}
