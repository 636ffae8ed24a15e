import DLConfiguration
import DLCore
import DLLayers

/// The mean over classes of the area under precision against recall of objects that are found, 0 to 1.
///
/// In falling order of score an object is right where that of its class which it overlaps most is
/// overlapped by `iou` or more and was not found yet. Precision counts as the largest at any higher recall,
/// and objects of equal score count together. Classes without objects are left out. Everingham et al.
/// 2010, as the devkit computes it from 2010 on.
package struct MeanAveragePrecision: MetricSpec {
  package static var word: String { "mean_average_precision" }
  /// Intersection over union from which on an object is found.
  package var iou = 0.5

  package init() {}

  package static var fields: [ConfigurationField<Self>] {
    [
      .init(
        "iou", \.iou, .within(0.01...1), "intersection over union from which an object is found")
    ]
  }

  /// As in `mean_average_precision` or `mean_average_precision_75`.
  package var name: String {
    iou == 0.5 ? Self.word : "\(Self.word)_\(Format.significant(iou * 100, 6))"
  }

  /// The objects of each class, and the scores of what is found, with class and whether it is right.
  ///
  /// - Throws: ``MetricMisfit`` where the task predicts something else.
  package func sums(for task: MetricTask) throws -> MetricSums {
    guard case .objects(let classes) = task.predictions else {
      throw MetricMisfit("needs objects on images, as of a network that ends with detect", task)
    }
    return MetricSums(counts: classes, keepsScores: true)
  }

  package func add(_ batch: MetricBatch, to sums: inout MetricSums) throws {
    guard case .objects(let found, let wanted, _) = batch else {
      throw MetricMisfit("needs objects, the model predicts \(batch.kind)")
    }
    for (found, wanted) in zip(found, wanted) {
      for object in wanted { sums.counts[object.label] += 1 }
      var isFound = [Bool](repeating: false, count: wanted.count)
      let order = found.enumerated().sorted {
        ($1.element.score, $0.offset) < ($0.element.score, $1.offset)
      }
      for (_, object) in order {
        let overlaps = wanted.indices.filter { wanted[$0].label == object.label }
          .map { (overlap: wanted[$0].box.intersectionOverUnion(object.box), place: $0) }
        let best = overlaps.max { ($0.overlap, -$0.place) < ($1.overlap, -$1.place) }
        var isRight: Int32 = 0
        if let best, best.overlap >= iou, !isFound[best.place] {
          isFound[best.place] = true
          isRight = 1
        }
        try sums.keep([object.score], label: Int32(2 * object.label) + isRight)
      }
    }
  }

  /// The mean of the areas.
  package func result(_ sums: MetricSums) -> MetricResult {
    let areas = sums.counts.indices.filter { sums.counts[$0] > 0 }.map { label in
      let pairs = sums.labels.indices.filter { Int(sums.labels[$0] / 2) == label }
        .map { (score: sums.scores[$0], isRight: sums.labels[$0] % 2 == 1) }
        .sorted { $0.score > $1.score }
      return Self.area(pairs, wanted: sums.counts[label])
    }
    let mean = areas.isEmpty ? .nan : areas.reduce(0, +) / Double(areas.count)
    return MetricResult(name, mean, higherIsBetter: true)
  }

  private static func area(_ pairs: [(score: Double, isRight: Bool)], wanted: Int) -> Double {
    var points: [(right: Int, precision: Double)] = []
    var right = 0
    for (index, pair) in pairs.enumerated() {
      right += pair.isRight ? 1 : 0
      if index + 1 < pairs.count, pairs[index + 1].score == pair.score { continue }
      points.append((right, Double(right) / Double(index + 1)))
    }
    var (area, best, upper) = (0.0, 0.0, points.last?.right ?? 0)
    for index in points.indices.reversed() {
      best = max(best, points[index].precision)
      let lower = index > 0 ? points[index - 1].right : 0
      area += best * Double(upper - lower) / Double(wanted)
      upper = lower
    }
    return area
  }
}
