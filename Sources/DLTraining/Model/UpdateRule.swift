import DLOptimizers

extension OptimizerConfiguration {
  /// The update rule that the configuration names.
  ///
  /// Throws an `OptimizerError` on values outside the rule's range, which a configuration that was
  /// read does not have.
  public func makeOptimizer() throws -> any Optimizer {
    switch name {
    case .sgd:
      try SGD(
        momentum: momentum, dampening: dampening, weightDecay: weightDecay, nesterov: nesterov)
    case .adam:
      try Adam(
        beta1: betas[0], beta2: betas[1], epsilon: eps, weightDecay: weightDecay, amsgrad: amsgrad)
    case .adamw:
      try Adam(
        beta1: betas[0], beta2: betas[1], epsilon: eps, weightDecay: weightDecay, amsgrad: amsgrad,
        decoupledWeightDecay: true)
    case .nadam:
      try NAdam(
        beta1: betas[0], beta2: betas[1], epsilon: eps, weightDecay: weightDecay,
        momentumDecay: momentumDecay, decoupledWeightDecay: decoupledWeightDecay)
    case .radam:
      try RAdam(
        beta1: betas[0], beta2: betas[1], epsilon: eps, weightDecay: weightDecay,
        decoupledWeightDecay: decoupledWeightDecay)
    case .lion: try Lion(beta1: betas[0], beta2: betas[1], weightDecay: weightDecay)
    case .adagrad:
      try Adagrad(
        learningRateDecay: lrDecay, weightDecay: weightDecay,
        initialAccumulatorValue: initialAccumulatorValue, epsilon: eps)
    case .adadelta: try Adadelta(rho: rho, epsilon: eps, weightDecay: weightDecay)
    case .rmsprop:
      try RMSProp(
        alpha: alpha, epsilon: eps, weightDecay: weightDecay, momentum: momentum,
        centered: centered)
    }
  }
}

extension ScheduleConfiguration {
  /// The schedule over a run of `totalSteps` steps.
  public func makeSchedule(totalSteps: Int, stepsPerEpoch: Int) -> any Schedule {
    func steps(_ epochs: Double) -> Int {
      Int(min((epochs * Double(stepsPerEpoch)).rounded(), 1e15))
    }
    let warmup = warmupSteps ?? steps(warmupEpochs)
    let remaining = max(totalSteps - warmup, 0)
    let interval = max(stepSize ?? stepEpochs.map(steps) ?? remaining, 1)
    let schedule: any Schedule =
      switch name {
      case .constant: ConstantSchedule()
      case .step: StepSchedule(every: interval, gamma: gamma)
      case .multiStep:
        MultiStepSchedule(
          milestones: milestones ?? milestoneEpochs?.map(steps) ?? [], gamma: gamma)
      case .exponential: ExponentialSchedule(every: interval, gamma: gamma)
      case .polynomial: PolynomialSchedule(steps: remaining, power: power, endFactor: endFactor)
      case .cosine: CosineSchedule(steps: remaining, endFactor: endFactor)
      case .cosineRestarts:
        CosineRestartSchedule(
          firstCycle: max(firstCycle ?? firstCycleEpochs.map(steps) ?? remaining, 1),
          cycleFactor: cycleFactor, endFactor: endFactor)
      case .oneCycle:
        OneCycleSchedule(
          steps: remaining, pctStart: pctStart, divFactor: divFactor,
          finalDivFactor: finalDivFactor)
      case .inverseSquareRoot: InverseSquareRootSchedule(warmupSteps: warmup)
      }
    return warmup > 0 ? WarmupSchedule(steps: warmup, then: schedule) : schedule
  }
}
