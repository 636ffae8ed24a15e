import DLCore
import DLData
import DLTraining

/// The rows that a trained network is looked at by: all of a file that is named, else those that its run
/// trained on or was validated on, without or with the fold that it held out.
struct RunRows {
  enum Part {
    case training, validation
  }

  /// The file.
  let path: String
  /// Nil for a file that is named.
  private let part: Part?

  /// Chooses the file.
  ///
  /// - Throws: `UsageError` where the run was not validated.
  init(_ run: LoadedRun, _ part: Part, named file: String?) throws {
    self.part = file == nil ? part : nil
    if let file {
      path = file
      return
    }
    let data = try run.configuration().data
    switch part {
    case .training: path = data.train ?? ""
    case .validation:
      guard let file = data.validation ?? (data.folds == nil ? nil : data.train) else {
        throw UsageError(
          "\(run.folder): the run has no data.validation, name a data set (\(OptionName.data) FILE)"
        )
      }
      path = file
    }
  }

  /// Opens the rows, which must be such as the network takes.
  ///
  /// - Parameters:
  ///   - role: what the rows are for.
  ///   - source: the run, to be named where the rows do not fit.
  /// - Throws: `FormatError`, `DataError` or `UsageError` that names the file.
  func open(
    _ role: DataRole, _ network: LoadedNetwork, source: String,
    statistics: [String: FileStatistics]
  ) throws -> any Dataset {
    let whole = try TrainingData.open(
      path, role, network.configuration, classes: network.classes, statistics: statistics,
      names: network.classNames, namesSource: source)
    let folds = part == nil ? nil : try TrainingData.folded(whole, network.configuration)
    let rows = (part == .training ? folds?.train : folds?.heldOut) ?? whole
    try network.check(rows, path, source: source)
    return rows
  }
}
