/// The way from the gradients of a phase to its new weights.
///
/// A new one is a file here and a line in ``UpdateStrategies/all``. What it keeps from step to step
/// it adds to the optimizer's vectors of state, or says by ``CheckpointState``.
protocol UpdateStrategy: CheckpointState {
  /// Makes the strategy of a phase; nil where the configuration asks for another.
  static func make(for phase: PhaseStep) throws -> Self?

  /// Brings the parameters of the phase one step further, on the rows of the step in work.
  ///
  /// - Returns: the phase's mean loss over the global batch, before the update.
  func update() throws -> Double

  /// The number of times that a step goes forward and backward over a batch.
  var passes: Int { get }
}

extension UpdateStrategy {
  /// Once.
  var passes: Int { 1 }
}

/// The known strategies.
enum UpdateStrategies {
  /// Those that a configuration asks for; the first one that a phase asks for is its own.
  static var all: [any UpdateStrategy.Type] {
    [
      SumsUpdate.self, LBFGSUpdate.self, NewtonUpdate.self, SharpnessAwareUpdate.self,
      LocalUpdate.self,
    ]
  }

  /// The strategy of a phase; a plain one where it asks for none.
  static func make(for phase: PhaseStep) throws -> any UpdateStrategy {
    for type in all { if let strategy = try type.make(for: phase) { return strategy } }
    return PlainUpdate(phase)
  }
}
