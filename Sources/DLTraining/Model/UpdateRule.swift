import DLOptimizers

extension OptimizerConfiguration {
  /// The update rule that the configuration names.
  func makeOptimizer() throws -> any Optimizer {
    switch name {
    case .sgd: try SGD(momentum: momentum, weightDecay: weightDecay, nesterov: nesterov)
    case .adam:
      try Adam(beta1: betas[0], beta2: betas[1], epsilon: eps, weightDecay: weightDecay)
    case .adamw:
      try AdamW(beta1: betas[0], beta2: betas[1], epsilon: eps, weightDecay: weightDecay)
    }
  }
}

extension ScheduleConfiguration {
  /// The schedule over a run of `totalSteps` steps.
  func makeSchedule(totalSteps: Int, stepsPerEpoch: Int) -> any Schedule {
    let warmup = warmupSteps ?? steps(warmupEpochs, stepsPerEpoch)
    let remaining = max(totalSteps - warmup, 0)
    let schedule: any Schedule =
      switch name {
      case .constant: ConstantSchedule()
      case .step:
        StepSchedule(
          every: max(stepSize ?? stepEpochs.map { steps($0, stepsPerEpoch) } ?? remaining, 1),
          gamma: gamma)
      case .cosine: CosineSchedule(steps: remaining)
      }
    return warmup > 0 ? WarmupSchedule(steps: warmup, then: schedule) : schedule
  }

  private func steps(_ epochs: Double, _ stepsPerEpoch: Int) -> Int {
    Int(min((epochs * Double(stepsPerEpoch)).rounded(), 1e15))
  }
}
