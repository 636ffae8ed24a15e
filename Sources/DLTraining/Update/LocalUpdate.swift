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
  /// Ranks step by themselves.
  var demands: [Demand] {
    [Demand(key: "local_sgd", name: "local_sgd", precludes: [.gradientExchange])]
  }
}
