/// Local SGD: from a step on every rank updates its own parameters by the gradient of its own rows;
/// ``RankAveraging`` brings the ranks together from time to time.
///
/// Stich, "Local SGD Converges Fast and Communicates Little" (2019). The steps before are plain ones.
final class LocalUpdate: UpdateStrategy {
  private let phase: PhaseStep
  private let plain: PlainUpdate

  private init(_ phase: PhaseStep) {
    self.phase = phase
    plain = PlainUpdate(phase)
  }

  static func make(for phase: PhaseStep) -> LocalUpdate? {
    phase.run.localSGD == nil ? nil : LocalUpdate(phase)
  }

  func update() throws -> Double {
    guard phase.run.stepsLocally else { return try plain.update() }
    let loss = try phase.ownGradient()
    guard let scale = try phase.checkedScale(loss: loss) else {
      phase.skip()
      return loss
    }
    try phase.update(gradientScale: scale)
    return loss
  }
}
