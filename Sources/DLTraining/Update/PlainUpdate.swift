/// One gradient and one update: the step of every optimizer unless something else is asked for.
final class PlainUpdate: UpdateStrategy {
  private let phase: PhaseStep

  init(_ phase: PhaseStep) { self.phase = phase }

  static func make(for phase: PhaseStep) -> PlainUpdate? { PlainUpdate(phase) }

  func update() throws -> Double {
    let loss = try phase.gradient()
    try phase.apply(loss: loss)
    return loss
  }
}
