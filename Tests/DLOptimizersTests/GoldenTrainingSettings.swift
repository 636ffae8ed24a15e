import DLOptimizers
import DLTensor
import DLTestSupport
import Foundation
import Testing

/// The settings of a case of scripts/golden/make_training.py.
struct TrainingSettings: Decodable {
  let op: String
  let lr, momentum, weightDecay, trustCoefficient, eps, clipNorm, clipValue: Double?
  let sgdLr, sgdWeightDecay: Double?
  let nesterov: Bool?
  let nsSteps: Int?
  let adjustLrFn: String?
  let decay, alpha, rho, factor, threshold, minLr: Double?
  let betas: [Double]?
  let members: [Int]?
  let groups: [GroupSettings]?
  let k, calls, maxIter, maxEval, historySize, patience, cooldown: Int?
  let problem, lineSearchFn, rule, mode, thresholdMode: String?
  let only64: Bool?

  struct GroupSettings: Decodable {
    let lr, weightDecay: Double?
    let frozen, adapts: Bool?
  }

  /// The rule named `op`, with a group's own settings before the common ones.
  func rule(_ op: String, _ group: GroupSettings? = nil) throws -> any SliceOptimizer {
    let decay = group?.weightDecay ?? weightDecay
    let adapts = group?.adapts ?? true
    switch op {
    case "sgd": return try SGD(momentum: momentum ?? 0, weightDecay: decay ?? 0)
    case "adam": return try Adam(weightDecay: decay ?? 0)
    case "adamw": return try Adam(weightDecay: #require(decay), decoupledWeightDecay: true)
    case "lars":
      return try LARS(
        momentum: momentum ?? 0.9, weightDecay: decay ?? 0,
        trustCoefficient: trustCoefficient ?? 0.001, epsilon: eps ?? 1e-8, adapts: adapts)
    case "lamb":
      return try LAMB(
        beta1: betas?[0] ?? 0.9, beta2: betas?[1] ?? 0.999, epsilon: eps ?? 1e-6,
        weightDecay: decay ?? 0.01, adapts: adapts)
    default: throw MissingGolden("optimizer \(op)")
    }
  }

  /// The update of tensors of these lengths, each on a boundary of 16 elements as in the arena.
  func update(_ lengths: [Int]) throws -> ArenaUpdate {
    let base = try #require(lr)
    let every = [nil] + (groups ?? []).map(Optional.some)
    return ArenaUpdate(
      groups: try every.map {
        ArenaUpdate.Group(
          rule: try rule(op, $0), learningRate: $0?.lr ?? base, isFrozen: $0?.frozen ?? false)
      },
      members: zipped(layout(lengths), members ?? lengths.map { _ in 0 }).map {
        ArenaUpdate.Member($0, group: $1)
      })
  }

  func muon() throws -> Muon {
    let name = adjustLrFn ?? "original"
    return try Muon(
      momentum: #require(momentum), weightDecay: #require(weightDecay),
      nesterov: #require(nesterov as Bool?),
      adjustment: #require(Muon.RateAdjustment(rawValue: name)),
      iteration: NewtonSchulz(steps: #require(nsSteps)))
  }

  func lbfgs() -> LBFGS.Options {
    var options = LBFGS.Options()
    options.learningRate = lr ?? 1
    options.maxIterations = maxIter ?? 20
    options.maxEvaluations = maxEval
    options.historySize = historySize ?? 100
    options.usesLineSearch = lineSearchFn == "strong_wolfe"
    return options
  }

  func plateau() throws -> PlateauReduction {
    try PlateauReduction(
      mode: mode == "max" ? .maximum : .minimum, factor: factor ?? 0.1, patience: patience ?? 10,
      threshold: threshold ?? 1e-4, thresholdMode: thresholdMode == "abs" ? .absolute : .relative,
      cooldown: cooldown ?? 0, minimum: (minLr ?? 0) / #require(lr))
  }
}

/// Where tensors of these lengths lie in an arena with gaps.
func layout(_ lengths: [Int]) -> [Range<Int>] {
  var end = 0
  return lengths.map { length in
    defer { end += (length + 15) / 16 * 16 }
    return end..<end + length
  }
}

/// A smooth function with its gradient, as in make_training.py.
struct Problem {
  let name: String
  let constants: [[Double]]

  func value(_ x: [Double]) throws -> (loss: Double, gradient: [Double]) {
    switch name {
    case "quadratic":
      let moved = x.map { $0 - 1 }
      let gradient = zipped(constants[0], moved).map { $0 * $1 }
      return (0.5 * zipped(gradient, moved).reduce(0) { $0 + $1.0 * $1.1 }, gradient)
    case "logistic":
      let rows = constants[1].count
      var loss = 0.01 * x.reduce(0) { $0 + $1 * $1 }
      var gradient = x.map { 0.02 * $0 }
      for row in 0..<rows {
        let data = constants[0][row * x.count..<(row + 1) * x.count]
        let label = constants[1][row]
        let margin = -label * zipped(data, x).reduce(0) { $0 + $1.0 * $1.1 }
        loss += (margin > 0 ? margin + log1p(exp(-margin)) : log1p(exp(margin))) / Double(rows)
        let slope = -label / (1 + exp(-margin)) / Double(rows)
        for (j, value) in data.enumerated() { gradient[j] += slope * value }
      }
      return (loss, gradient)
    case "rosenbrock":
      var loss = 0.0
      var gradient = x.map { _ in 0.0 }
      for i in 0..<x.count - 1 {
        let bend = x[i + 1] - x[i] * x[i]
        loss += 100 * bend * bend + (1 - x[i]) * (1 - x[i])
        gradient[i + 1] += 200 * bend
        gradient[i] += -400 * x[i] * bend - 2 * (1 - x[i])
      }
      return (loss, gradient)
    default: throw MissingGolden("problem \(name)")
    }
  }
}
