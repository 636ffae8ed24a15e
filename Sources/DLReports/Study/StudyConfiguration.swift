import DLConfiguration
import DLCore

/// One file that describes many runs of one job.
package struct StudyConfiguration: ConfigurationSection {
  /// The most runs of a study.
  static let maximumRuns = 10_000

  /// The study's name.
  package var name: String?
  /// A recipe or a configuration file; nil for what the program trains.
  package var job: String?
  /// Replacements for every run.
  var set = StudySettings()
  /// The cartesian product of values of several keys.
  var grid = StudyGrid()
  /// Variants by name, each with the whole grid.
  var runs: [StudyVariant] = []
  /// Seeds that every variant is trained with.
  var seeds: [UInt64] = []
  /// The folds that every variant is validated on in turn.
  var folds: Int?
  /// The columns of the table.
  var table: [String] = []
  /// The picture.
  var plot: StudyPlotConfiguration?

  /// Makes a study of one run.
  package init() {}

  package static var fields: [ConfigurationField<Self>] {
    [
      .init("name", \.name, "name of the study"),
      .init("job", \.job, "a recipe or a configuration file"),
      .init("set", \.set, "replacements for every run, as {optimizer.lr: 0.1}"),
      .init("grid", \.grid, "values of several keys, all combined, as {optimizer.lr: [0.1, 0.01]}"),
      .init("runs", \.runs, "variants by name, as [{name: wide, set: {...}}]"),
      .init("seeds", \.seeds, "seeds that each variant is trained with"),
      .init("folds", \.folds, .within(2...1000), "parts that each variant is validated on in turn"),
      .init("table", \.table, "columns, as [validation.accuracy, train.loss, seconds]"),
      .init("plot", \.plot, "the picture, as {x: step, y: validation.loss}"),
    ]
  }

  package func problems() -> [ConfigurationProblem] {
    var problems: [ConfigurationProblem] = []
    if let seed = seeds.firstRepeated {
      problems.append(.init("seeds", message: "\(seed) stands twice"))
    }
    if let name = runs.map(\.name).firstRepeated {
      problems.append(.init("runs", message: "two runs are named \(quoted(name))"))
    }
    let keys = Set(
      set.settings.map(\.key) + grid.axes.map(\.key) + runs.flatMap { $0.set.settings.map(\.key) })
    if !seeds.isEmpty, keys.contains("seed") {
      problems.append(.init("seeds", message: "give either seeds or the key seed"))
    }
    if folds != nil, keys.contains(where: { $0 == "data.folds" || $0.begins(with: "data.folds.") })
    {
      problems.append(.init("folds", message: "give either folds or the key data.folds"))
    }
    for column in table where !StudyColumn.isKnown(column) {
      problems.append(.init("table", message: StudyColumn.advice(column)))
    }
    if let plot, !StudyColumn.isKnown(plot.y) {
      problems.append(.init("plot", message: "y: \(StudyColumn.advice(plot.y))"))
    }
    if let plot, !plot.goesOverSteps, !grid.axes.contains(where: { $0.key == plot.x }) {
      let known = (["step", "epoch"] + grid.axes.map(\.key)).joined(separator: ", ")
      problems.append(.init("plot", message: "x: \(quoted(plot.x)) is none of \(known)"))
    }
    if let plot, plot.goesOverSteps, !plot.y.begins(with: "validation."),
      !["train.loss", "train.lr"].contains(plot.y)
    {
      let message = "y: over \(plot.x) there are train.loss, train.lr and validation.NAME"
      problems.append(.init("plot", message: message))
    }
    if let plot, plot.logX, let axis = grid.axes.first(where: { $0.key == plot.x }),
      let value = axis.values.compactMap({ Double($0) }).first(where: { $0 <= 0 })
    {
      let message = "log_x: \(Format.significant(value, 6)) has no place on a logarithmic axis"
      problems.append(.init("plot", message: message))
    }
    let factors = grid.axes.map(\.values.count) + [runs.count, seeds.count, folds ?? 1]
    let runCount = factors.reduce(1.0) { $0 * Double(max($1, 1)) }
    if runCount > Double(Self.maximumRuns) {
      let message =
        "\(Format.significant(runCount, 6)) runs, at most \(Self.maximumRuns) fit a study"
      problems.append(.init("grid", message: message))
    }
    return problems
  }
}

/// A variant of a study by its name.
struct StudyVariant: ConfigurationSection {
  var name = ""
  /// The values that it replaces in the job.
  var set = StudySettings()

  static var fields: [ConfigurationField<Self>] {
    [
      .init("name", \.name, required: true, "name in table and picture"),
      .init("set", \.set, "what it replaces in the job"),
    ]
  }

  func problems() -> [ConfigurationProblem] {
    guard name.isEmpty || name.utf8.count > 80 || name.contains(where: \.isNewline) else {
      return []
    }
    return [.init("name", message: "expected a name of at most 80 characters on one line")]
  }
}

/// The picture of a study: curves over the steps, or a figure against a key of the grid.
struct StudyPlotConfiguration: ConfigurationSection {
  /// `step`, `epoch`, or a key of the grid.
  var x = "step"
  /// A column of the table.
  var y = "validation.loss"
  /// Axes that are logarithmic.
  var logX = false
  var logY = false

  static var fields: [ConfigurationField<Self>] {
    [
      .init("x", \.x, "step, epoch, or a key of the grid"),
      .init("y", \.y, "a column of the table"),
      .init("log_x", \.logX, "logarithmic horizontal axis"),
      .init("log_y", \.logY, "logarithmic vertical axis"),
    ]
  }

  /// True if it shows curves of runs and not a figure of each.
  var goesOverSteps: Bool { x == "step" || x == "epoch" }
}

/// The names of a study's figures.
enum StudyColumn {
  /// Those that every run has.
  static let plain = ["train.loss", "train.lr", "seconds", "steps", "parameters"]

  /// Returns whether a run may have a figure of that name.
  static func isKnown(_ name: String) -> Bool {
    plain.contains(name)
      || ["validation.", "best."].contains { name.begins(with: $0) && name.count > $0.count }
  }

  /// The advice on what to write in place of a name that is none.
  static func advice(_ name: String) -> String {
    let known = plain + ["validation.loss", "validation.accuracy", "best.loss", "best.accuracy"]
    return "\(quoted(String(name.prefix(60)))) is no figure, "
      + (nearestWord(to: name, in: known).map { "did you mean \($0)?" }
        ?? "known: \(plain.joined(separator: ", ")), validation.NAME, best.NAME")
  }
}
