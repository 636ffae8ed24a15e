/// Something that a run may have beside model and optimizer: a mean of the weights, checks of the
/// memory, a reason to end early.
///
/// A part is one file here and one line in ``TrainerParts/all``. It reads its own section of the
/// configuration, and says by ``CheckpointState`` what a checkpoint keeps of it. Every rank makes the
/// same parts and calls the same hooks, so that each of them may be collective.
protocol TrainerPart: CheckpointState {
  /// Makes the part; nil where the run asks for none.
  static func make(for run: TrainingRun) throws -> Self?

  /// The run is about to make its first step; its state is what it starts from.
  func willTrain() throws
  /// The rows of the step to come are loaded, and the ranks have agreed to make it.
  func willStep() throws
  /// The step was made, and is counted.
  func didStep() throws
  /// The model is about to be evaluated, on the weights that its user would take.
  func willEvaluate() throws
  /// The model was evaluated; the weights are to be those that are trained.
  func didEvaluate() throws
  /// The validation set was gone through.
  func didValidate(_ report: ValidationReport) throws
  /// A checkpoint is about to be made.
  func willSave() throws
  /// A loss or gradient that is no number was found, for which the memory may be at fault.
  func suspectMemory() throws
  /// The last step was made, and saved.
  func didTrain() throws

  /// The factor of the learning rate of the step to come, besides the schedule.
  var learningRateFactor: Double { get }
  /// True if the run ends before its last step.
  var endsRun: Bool { get }
}

extension TrainerPart {
  func willTrain() throws {}
  func willStep() throws {}
  func didStep() throws {}
  func willEvaluate() throws {}
  func didEvaluate() throws {}
  func didValidate(_ report: ValidationReport) throws {}
  func willSave() throws {}
  func suspectMemory() throws {}
  func didTrain() throws {}
  var learningRateFactor: Double { 1 }
  var endsRun: Bool { false }
}

/// The known parts.
enum TrainerParts {
  /// In the order in which they are set up and called.
  static var all: [any TrainerPart.Type] {
    [
      GradientCompression.self,
      BackwardOverlap.self,
      IntegrityChecks.self,
      RankAveraging.self,
      WeightAveraging.self,
      PersistentState.self,
      BestCheckpoint.self,
      ReduceOnPlateau.self,
      EarlyStopping.self,
    ]
  }

  /// The parts of a run; collective.
  static func make(for run: TrainingRun) throws -> [any TrainerPart] {
    try all.compactMap { try $0.make(for: run) }
  }
}
