import DLCore
import DLData
import DLTensor
import DLTraining

/// A comparison of the rows of the validation set with those of the training set, by the means of
/// inputs and the shares of classes.
///
/// Welch's t for each input, with deviations from each set's own mean, and Pearson's chi-squared for
/// classes. Labels that the inputs follow in another way are not seen.
package struct DataComparison: AnalysisSection {
  package static let key = "data_comparison"
  package let title = "Training against validation data"

  package let data: String
  package let rows: (training: Int, validation: Int)
  package let inputs: Int
  /// Inputs whose means differ by more than 4 standard errors.
  package let differing: Int
  /// The largest difference of means, in standard errors, and in deviations.
  package let largest: (errors: Double, deviations: Double, input: Int)
  /// The shares of classes in either set; nil where labels are no classes.
  package let classes: [(training: Double, validation: Double)]?
  /// Pearson's statistic of the classes, and the number that it is around where there is no
  /// difference.
  package let chiSquared: (value: Double, expected: Double)?

  /// True if the difference is more than chance: more than 1% of inputs where one in 15,000 would
  /// be, or a statistic 4 deviations above what it is around.
  package var isMismatch: Bool {
    let classDiffers =
      chiSquared.map { $0.value > $0.expected + 4 * (2 * $0.expected).squareRoot() } ?? false
    return differing > max(inputs / 100, 1) || classDiffers
  }

  package static func make(_ analysis: Analysis) throws -> DataComparison? {
    let surface = analysis.surface
    let configuration = surface.network.configuration
    guard analysis.options.data == nil,
      configuration.data.validation != nil || configuration.data.folds != nil,
      surface.transform.outputType != .int32, surface.dataset.inputCount <= 1 << 20
    else { return nil }
    let communicator = surface.context.communicator
    let chosen = try communicator.agreed("open the run") {
      try RunRows(analysis.run, .validation, named: nil)
    }
    let path = chosen.path
    let statistics = try TrainingData.statistics(of: [path], over: communicator)
    let other = try communicator.agreed("open \(path)") {
      try chosen.open(
        .validation, surface.network, source: analysis.run.folder, statistics: statistics)
    }
    let deal = BatchDeal(
      count: other.count, rows: analysis.options.rows ?? LossSurface.defaultRows,
      seed: configuration.seed, batchSize: 256, communicator: communicator)
    let classCount = surface.dataset.labelShape.isEmpty ? surface.dataset.classCount : nil
    let (mine, theirs) = (
      try InputSums(surface.dataset, surface.deal, surface.transform, classCount, surface.context),
      try InputSums(other, deal, surface.transform, classCount, surface.context)
    )
    return DataComparison(path, mine, theirs)
  }

  private init(_ path: String, _ a: InputSums, _ b: InputSums) {
    data = path
    rows = (Int(a.rows), Int(b.rows))
    inputs = a.sums.count
    var (count, top) = (0, (errors: 0.0, deviations: 0.0, input: 0))
    for input in a.sums.indices {
      let (first, second) = (a.moments(input), b.moments(input))
      let difference = abs(first.mean - second.mean)
      let error = (first.variance / a.rows + second.variance / b.rows).squareRoot()
      let deviation = ((first.variance + second.variance) / 2).squareRoot()
      // An input that is the same everywhere has two means that rounding tells apart.
      let rounding = 1e-9 * max(abs(first.mean), abs(second.mean))
      guard difference > rounding else { continue }
      let errors = error > 0 ? difference / error : .infinity
      if errors > 4 { count += 1 }
      if errors > top.errors {
        top = (errors, deviation > 0 ? difference / deviation : .infinity, input)
      }
    }
    (differing, largest) = (count, top)
    guard let own = a.classes, let others = b.classes, a.rows > 0, b.rows > 0 else {
      (classes, chiSquared) = (nil, nil)
      return
    }
    classes = zip(own, others).map { ($0 / a.rows, $1 / b.rows) }
    var (value, seen) = (0.0, 0)
    for (one, other) in zip(own, others) where one + other > 0 {
      seen += 1
      let expected = (one + other) / (a.rows + b.rows)
      value += (one - expected * a.rows) * (one - expected * a.rows) / (expected * a.rows)
      value += (other - expected * b.rows) * (other - expected * b.rows) / (expected * b.rows)
    }
    chiSquared = seen > 1 ? (value, Double(seen - 1)) : nil
  }

  package func text(columns: Int?) -> String {
    var lines = [
      "\(Format.grouped(rows.training)) against \(Format.grouped(rows.validation)) rows of \(data): "
        + (isMismatch ? "they do not match." : "nothing speaks against one distribution."),
      "\(Format.grouped(differing)) of \(Format.count(inputs, "input")) have means more than 4 "
        + "standard errors apart; the farthest is input \(largest.input), "
        + (largest.errors.isFinite
          ? "\(Format.significant(largest.errors, 3)) errors or "
            + "\(Format.significant(largest.deviations, 3)) deviations."
          : "which has one value here and another there."),
    ]
    if let chiSquared, let classes {
      let gap = classes.map { abs($0.training - $0.validation) }.max() ?? 0
      lines.append(
        "Shares of classes differ by \(Format.percent(gap, 1)) at most; chi-squared "
          + "\(Format.significant(chiSquared.value, 4)) where "
          + "\(Format.significant(chiSquared.expected, 4)) is to be expected.")
    }
    return lines.map { Format.wrapped($0, columns) }.joined(separator: "\n")
  }

  package var json: JSON {
    var members: [JSON.Member] = [
      .init("validation", .string(data)), .init("mismatch", .bool(isMismatch)),
      .init("inputs", .integer(inputs)), .init("inputs_apart", .integer(differing)),
      .init("largest_errors", .number(largest.errors)),
      .init("largest_deviations", .number(largest.deviations)),
    ]
    if let chiSquared {
      members += [
        .init("chi_squared", .number(chiSquared.value)),
        .init("degrees_of_freedom", .number(chiSquared.expected)),
      ]
    }
    if let classes {
      members.append(
        .init(
          "class_shares",
          .array(
            classes.map {
              ["training": .number($0.training), "validation": .number($0.validation)]
            })))
    }
    return .object(members)
  }
}

/// Sums over the rows of a data set: inputs, their squares, classes.
private struct InputSums {
  let rows: Double
  let sums: [Double]
  let squares: [Double]
  let classes: [Double]?

  init(
    _ dataset: any Dataset, _ deal: BatchDeal, _ transform: InputTransform, _ classCount: Int?,
    _ context: Context
  ) throws {
    let inputs = dataset.inputCount
    let width = 2 * inputs + (classCount ?? 0)
    let found = try deal.sum(width, "compare the data", context: context) { range in
      let total = try Tensor.zeros([width], dtype: .float64, context: context)
      let counts = total.pointer.assumingMemoryBound(to: Double.self) + 2 * inputs
      for index in range {
        let batch = try dataset.batch(of: deal.rows(of: index), transform, context: context)
        let x = try batch.x.reshape([batch.rows, inputs])
        for (place, part) in [try x.sum(axis: 0), try x.square().sum(axis: 0)].enumerated() {
          let target = Tensor(
            borrowing: total.pointer + place * inputs * 8, shape: [inputs], dtype: .float64,
            owner: total, context: context)
          target.pointer.copyMemory(from: try (target + part).pointer, byteCount: inputs * 8)
        }
        guard let classCount, batch.y.dtype == .int32 else { continue }
        for label in batch.y.doubles where label >= 0 && label < Double(classCount) {
          counts[Int(label)] += 1
        }
      }
      return total
    }.doubles
    rows = Double(deal.rows.count)
    sums = Array(found[..<inputs])
    squares = Array(found[inputs..<2 * inputs])
    classes = classCount.map { _ in Array(found[(2 * inputs)...]) }
  }

  func moments(_ input: Int) -> (mean: Double, variance: Double) {
    let mean = sums[input] / max(rows, 1)
    return (mean, max(squares[input] / max(rows, 1) - mean * mean, 0))
  }
}
