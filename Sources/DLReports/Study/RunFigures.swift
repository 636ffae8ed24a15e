import DLCore
import DLFormats
import DLTraining

/// The figures of a run as its `metrics.jsonl` has them.
struct RunFigures {
  /// A point of a curve.
  struct Point: Sendable {
    let step: Int
    /// Epochs, with the part of one.
    let epoch: Double
    let value: Double
  }

  private let steps: [JSON]
  private let validations: [JSON]

  /// Reads a run folder.
  ///
  /// - Throws: `FormatError` where the file is not there or a whole line of it is no JSON.
  init(folder: String) throws {
    let lines = try TextFile.lines(of: folder + "/metrics.jsonl").filter { !$0.isEmpty }
      .map { try JSON(parsing: String($0), file: folder + "/metrics.jsonl") }
    steps = lines.filter { $0["kind"]?.string == "step" }
    validations = lines.filter { $0["kind"]?.string == "validation" }
  }

  /// The mean loss over the steps of the last epoch.
  var trainLoss: Double? {
    guard let last = steps.last?["epoch"]?.int else { return nil }
    let losses = steps.reversed().prefix { $0["epoch"]?.int == last }
      .map { $0["loss"]?.double ?? .nan }
    return losses.reduce(0, +) / Double(losses.count)
  }

  /// The seconds of the steps up to one, on the first rank.
  func stepSeconds(upTo step: Int) -> Double {
    let parts = StepTimes.parts.map { $0.name + "_s" }
    return steps.filter { ($0["step"]?.int ?? .max) <= step }.reduce(0) { sum, line in
      parts.reduce(sum) { $0 + (line[$1]?.double ?? 0) }
    }
  }

  /// The columns of a table that the run has figures for.
  ///
  /// - Parameter best: the step of the best validation.
  func columns(best: Int?) -> [StudyRecord.Figure] {
    var figures: [StudyRecord.Figure] = []
    func add(_ prefix: String, _ validation: JSON?) {
      for member in validation?.members ?? [] where !["step", "epoch"].contains(member.key) {
        guard let value = member.value.double else { continue }
        figures.append(.init(name: prefix + member.key, value: value))
      }
    }
    add("validation.", validations.last)
    add("best.", validations.first { $0["step"]?.int == best && best != nil })
    if let trainLoss { figures.append(.init(name: "train.loss", value: trainLoss)) }
    if let rate = steps.last?["lr"]?.double {
      figures.append(.init(name: "train.lr", value: rate))
    }
    return figures
  }

  /// A figure over the run: of each validation, or of each step.
  func curve(_ column: String) -> [Point] {
    let isValidation = column.begins(with: "validation.")
    let lines = isValidation ? validations : steps
    let key = String(column.dropFirst(isValidation ? "validation.".count : "train.".count))
    let perEpoch = stepsPerEpoch
    return lines.compactMap { line in
      guard let step = line["step"]?.int, let value = line[key]?.double else { return nil }
      return Point(step: step, epoch: Double(step) / perEpoch, value: value)
    }
  }

  /// Steps of an epoch, told from those that were made.
  private var stepsPerEpoch: Double {
    guard let first = steps.first?["epoch"]?.int else { return 1 }
    let whole = steps.first { ($0["epoch"]?.int ?? first) > first }?["step"]?.int
    return Double(max((whole ?? (steps.count + 1)) - 1, 1))
  }
}
