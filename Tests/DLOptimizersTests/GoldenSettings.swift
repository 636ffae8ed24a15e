import DLOptimizers
import DLTestSupport
import Testing

/// The settings of a golden case, under PyTorch's names.
struct Settings: Decodable {
  let op: String
  let name, annealStrategy: String?
  let lr, momentum, dampening, weightDecay, eps, clipNorm, maxNorm, gamma: Double?
  let momentumDecay, lrDecay, initialAccumulatorValue, rho, alpha: Double?
  let power, endFactor, pctStart, divFactor, finalDivFactor: Double?
  let betas: [Double]?
  let nesterov, amsgrad, decoupledWeightDecay, centered: Bool?
  let warmupSteps, totalSteps, stepSize: Int?
  let t0, tMult: Int?
  let milestones: [Int]?

  func rule() throws -> any SliceOptimizer {
    let decay = try #require(weightDecay)
    switch op {
    case "sgd":
      return try SGD(
        momentum: #require(momentum), dampening: #require(dampening), weightDecay: decay,
        nesterov: #require(nesterov as Bool?))
    case "adam":
      return try Adam(
        beta1: beta(0), beta2: beta(1), epsilon: #require(eps), weightDecay: decay,
        amsgrad: #require(amsgrad as Bool?))
    case "adamw":
      return try Adam(
        beta1: beta(0), beta2: beta(1), epsilon: #require(eps), weightDecay: decay,
        amsgrad: #require(amsgrad as Bool?), decoupledWeightDecay: true)
    case "nadam":
      return try NAdam(
        beta1: beta(0), beta2: beta(1), epsilon: #require(eps), weightDecay: decay,
        momentumDecay: #require(momentumDecay),
        decoupledWeightDecay: #require(decoupledWeightDecay as Bool?))
    case "radam":
      return try RAdam(
        beta1: beta(0), beta2: beta(1), epsilon: #require(eps), weightDecay: decay,
        decoupledWeightDecay: #require(decoupledWeightDecay as Bool?))
    case "lion": return try Lion(beta1: beta(0), beta2: beta(1), weightDecay: decay)
    case "adagrad":
      return try Adagrad(
        learningRateDecay: #require(lrDecay), weightDecay: decay,
        initialAccumulatorValue: #require(initialAccumulatorValue), epsilon: #require(eps))
    case "adadelta":
      return try Adadelta(rho: #require(rho), epsilon: #require(eps), weightDecay: decay)
    case "rmsprop":
      return try RMSProp(
        alpha: #require(alpha), epsilon: #require(eps), weightDecay: decay,
        momentum: #require(momentum), centered: #require(centered as Bool?))
    default: throw MissingGolden("optimizer \(op)")
    }
  }

  private func beta(_ index: Int) throws -> Double { try #require(betas)[index] }

  func schedule() throws -> any Schedule {
    let (warmup, total) = (try #require(warmupSteps), try #require(totalSteps))
    let steps = total - warmup
    let next: any Schedule
    switch name {
    case "constant": next = ConstantSchedule()
    case "step": next = StepSchedule(every: try #require(stepSize), gamma: try #require(gamma))
    case "multi_step":
      next = MultiStepSchedule(milestones: try #require(milestones), gamma: try #require(gamma))
    case "exponential":
      next = ExponentialSchedule(every: try #require(stepSize), gamma: try #require(gamma))
    case "polynomial":
      next = PolynomialSchedule(
        steps: steps, power: try #require(power), endFactor: endFactor ?? 0)
    case "cosine": next = CosineSchedule(steps: steps, endFactor: endFactor ?? 0)
    case "cosine_restarts":
      next = CosineRestartSchedule(
        firstCycle: try #require(t0), cycleFactor: try #require(tMult),
        endFactor: try #require(endFactor))
    case "one_cycle":
      next = OneCycleSchedule(
        steps: steps, pctStart: try #require(pctStart), divFactor: try #require(divFactor),
        finalDivFactor: try #require(finalDivFactor), isLinear: annealStrategy == "linear")
    case "inverse_sqrt": next = InverseSquareRootSchedule(warmupSteps: warmup)
    default: throw MissingGolden("schedule \(name ?? "")")
    }
    return WarmupSchedule(steps: warmup, then: next)
  }
}
