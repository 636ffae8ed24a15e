/// One gradient and one update: the step of every optimizer unless something else is asked for.
final class PlainUpdate: UpdateStrategy {
  private let phase: PhaseStep

  init(_ phase: PhaseStep) { self.phase = phase }

  static func make(for phase: PhaseStep) -> PlainUpdate? { PlainUpdate(phase) }

  func update() throws -> Double {
    let loss = try phase.gradient()
    guard let scale = try phase.checkedScale(loss: loss) else {
      phase.skip()
      return loss
    }
    try phase.update(gradientScale: scale)
    try phase.publish()
    return loss
  }
}
