import DLConfiguration
import DLOptimizers

/// Local SGD: from a step on every rank updates its own parameters by the gradient of its own rows;
/// ``RankAveraging`` brings the ranks together from time to time.
///
/// Stich, "Local SGD Converges Fast and Communicates Little" (2019). The steps before are plain ones.
final class LocalUpdate: UpdateStrategy {
  private let phase: PhaseStep

  private init(_ phase: PhaseStep) { self.phase = phase }

  static func make(for phase: PhaseStep) -> LocalUpdate? {
    phase.run.localSGD == nil ? nil : LocalUpdate(phase)
  }

  func update() throws -> Double {
    let loss = phase.run.stepsLocally ? try phase.ownGradient() : try phase.gradient()
    // Each rank has parameters of its own in such a job: there is nothing to publish.
    try phase.apply(loss: loss)
    return loss
  }
}

extension LocalSGDConfiguration {
  /// When the ranks average; before the start none steps by itself.
  func averagings(stepsPerEpoch: Int) -> PeriodicSteps {
    let start = startSteps ?? startEpochs.map { stepCount(epochs: $0, stepsPerEpoch) } ?? 0
    return PeriodicSteps(start: start, every: period)
  }

  /// Ranks step by themselves.
  var demands: [Demand] {
    [Demand(key: "local_sgd", name: "local_sgd", precludes: [.gradientExchange])]
  }
}

/// Steps that each rank makes by itself, with the weights averaged from time to time.
///
/// Stich, "Local SGD Converges Fast and Communicates Little" (2019); with a start behind synchronous
/// steps: Lin and others, "Don't Use Large Mini-Batches, Use Local SGD" (2020), section 4.
package struct LocalSGDConfiguration: ConfigurationSection {
  /// Steps between two averagings.
  package var period = 8
  /// Epochs of synchronous steps before the first local one.
  package var startEpochs: Double?
  /// Steps before the first local one, instead of epochs; 0 unless either is given.
  package var startSteps: Int?

  package init() {}

  package static var fields: [ConfigurationField<Self>] {
    [
      .init("period", \.period, .within(1...1_000_000), "steps between two averagings"),
      .init(
        "start_epochs", \.startEpochs, .within(0...1e9), "epochs of synchronous steps before"),
      .init(
        "start_steps", \.startSteps, .atLeast(0),
        "synchronous steps before, instead of epochs; 0 where neither is given"),
    ]
  }

  /// The start is given in one unit.
  package static var alternatives: [[String]] { [["start_epochs", "start_steps"]] }

  package func problems() -> [ConfigurationProblem] {
    guard startEpochs != nil, startSteps != nil else { return [] }
    return [
      .init("start_steps", "start_epochs", message: "give either start_steps or start_epochs")
    ]
  }
}
