import DLOptimizers

extension OptimizerConfiguration {
  /// The update rule that the configuration or a group of it names; without weight decay for
  /// parameters that it leaves out.
  ///
  /// L-BFGS, which goes over a whole arena at once, is no such rule: its frozen parameters and state
  /// are those of plain SGD.
  ///
  /// Throws an `OptimizerError` on values outside the rule's range, which a configuration that was
  /// read does not have.
  public func makeOptimizer(
    _ group: OptimizerGroupConfiguration? = nil, decays: Bool = true
  ) throws -> any Optimizer {
    let name = group?.name ?? name
    let decay = decays ? group?.weightDecay ?? weightDecay : 0
    return switch name {
    case .sgd:
      try SGD(momentum: momentum, dampening: dampening, weightDecay: decay, nesterov: nesterov)
    case .adam, .adamw:
      try Adam(
        beta1: betas[0], beta2: betas[1], epsilon: eps, weightDecay: decay, amsgrad: amsgrad,
        decoupledWeightDecay: name == .adamw)
    case .nadam:
      try NAdam(
        beta1: betas[0], beta2: betas[1], epsilon: eps, weightDecay: decay,
        momentumDecay: momentumDecay, decoupledWeightDecay: decoupledWeightDecay)
    case .radam:
      try RAdam(
        beta1: betas[0], beta2: betas[1], epsilon: eps, weightDecay: decay,
        decoupledWeightDecay: decoupledWeightDecay)
    case .lion: try Lion(beta1: betas[0], beta2: betas[1], weightDecay: decay)
    case .muon:
      try Muon(
        momentum: momentum, weightDecay: decay, nesterov: nesterov,
        adjustment: adjustLrFn, iteration: NewtonSchulz(steps: nsSteps))
    case .adagrad:
      try Adagrad(
        learningRateDecay: lrDecay, weightDecay: decay,
        initialAccumulatorValue: initialAccumulatorValue, epsilon: eps)
    case .adadelta: try Adadelta(rho: rho, epsilon: eps, weightDecay: decay)
    case .rmsprop:
      try RMSProp(
        alpha: alpha, epsilon: eps, weightDecay: decay, momentum: momentum, centered: centered)
    case .lars:
      try LARS(
        momentum: momentum, weightDecay: decay, trustCoefficient: trustCoefficient, epsilon: eps,
        adapts: decays)
    case .lamb:
      try LAMB(
        beta1: betas[0], beta2: betas[1], epsilon: eps, weightDecay: decay, adapts: decays)
    case .lbfgs: try SGD()
    }
  }

  /// The options of L-BFGS; nil under another name.
  var lbfgs: LBFGS.Options? {
    guard name == .lbfgs else { return nil }
    var options = LBFGS.Options()
    options.learningRate = lr
    options.maxIterations = maxIter
    options.maxEvaluations = maxEval
    options.toleranceGradient = toleranceGrad
    options.toleranceChange = toleranceChange
    options.historySize = historySize
    options.usesLineSearch = lineSearchFn == .strongWolfe
    return options
  }
}

extension ScheduleConfiguration {
  /// The schedule over a run of `totalSteps` steps.
  public func makeSchedule(totalSteps: Int, stepsPerEpoch: Int) -> any Schedule {
    func steps(_ epochs: Double) -> Int { stepCount(epochs: epochs, stepsPerEpoch) }
    let warmup = warmupSteps ?? steps(warmupEpochs)
    let remaining = max(totalSteps - warmup, 0)
    let interval = max(stepSize ?? stepEpochs.map(steps) ?? remaining, 1)
    let schedule: any Schedule =
      switch name {
      case .constant, .reduceOnPlateau: ConstantSchedule()
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
          finalDivFactor: finalDivFactor, isLinear: annealStrategy == .linear)
      case .inverseSquareRoot: InverseSquareRootSchedule(warmupSteps: warmup)
      }
    return warmup > 0 ? WarmupSchedule(steps: warmup, then: schedule) : schedule
  }

  /// What reduces the learning rate after validations; nil under another name.
  func makePlateauReduction() throws -> PlateauReduction? {
    guard name == .reduceOnPlateau else { return nil }
    return try PlateauReduction(
      factor: factor, patience: patience, threshold: threshold,
      thresholdMode: thresholdMode == .abs ? .absolute : .relative, cooldown: cooldown,
      minimum: endFactor)
  }
}
