import DLOptimizers
import DLTensor
import DLTestSupport
import Foundation
import Testing

@Suite struct OptimizerTests {
  static func allRules() throws -> [any SliceOptimizer] {
    [
      try SGD(),
      try SGD(weightDecay: 0.05),
      try SGD(momentum: 0.9, weightDecay: 5e-4),
      try SGD(momentum: 0.8, weightDecay: 0.1, nesterov: true),
      try Adam(),
      try Adam(beta1: 0.3, beta2: 0.9, epsilon: 1e-3, weightDecay: 0.1),
      try Adam(beta1: 0, beta2: 0.99),
      try Adam(weightDecay: 0.1, decoupledWeightDecay: true),
      try SGD(momentum: 0.9, dampening: 0.4),
      try Adam(beta2: 0.6, amsgrad: true),
      try Adam(beta2: 0.6, amsgrad: true, decoupledWeightDecay: true),
      try NAdam(weightDecay: 0.1),
      try NAdam(beta1: 0.2, weightDecay: 0.1, momentumDecay: 0.2, decoupledWeightDecay: true),
      try RAdam(weightDecay: 0.1),
      try RAdam(beta1: 0.4, beta2: 0.9, weightDecay: 0.1, decoupledWeightDecay: true),
      try Lion(weightDecay: 0.1),
      try Adagrad(learningRateDecay: 0.1, weightDecay: 0.1, initialAccumulatorValue: 0.2),
      try Adadelta(weightDecay: 0.1),
      try RMSProp(),
      try RMSProp(weightDecay: 0.1, momentum: 0.9),
      try RMSProp(alpha: 0.9, centered: true),
      try RMSProp(alpha: 0.3, momentum: 0.9, centered: true),
    ]
  }

  /// Fifteen steps with new gradients each, the rate falling, the gradient scaled by 0.7.
  private func run(
    _ rule: any SliceOptimizer, _ dtype: DType, count: Int = 77, cuts: [Int] = []
  ) -> Arena {
    var numbers = Numbers(seed: 3)
    let arena = Arena(dtype, parameters: numbers.array(count))
    let bounds = [0] + cuts + [count]
    for step in 1...15 {
      arena.gradients = numbers.array(count)
      let scalars = StepScalars(
        step: step, learningRate: 0.1 / Double(step), gradientScale: 0.7)
      for (from, to) in zip(bounds, bounds.dropFirst()) {
        rule.update(arena.slice[from..<to], scalars: scalars)
      }
    }
    return arena
  }

  /// The same steps by an oracle that is told the rate of each.
  private func expected(
    count: Int = 77, _ oracle: () -> (Double, inout Double, Double) -> Void
  ) -> [Double] {
    var numbers = Numbers(seed: 3)
    var parameters = numbers.array(count)
    let oracles = parameters.map { _ in oracle() }
    for step in 1...15 {
      let gradients = numbers.array(count)
      for i in 0..<count { oracles[i](0.1 / Double(step), &parameters[i], 0.7 * gradients[i]) }
    }
    return parameters
  }

  @Test(arguments: [(0.0, 0.0, false), (0.0, 0.05, false), (0.9, 5e-4, false), (0.8, 0.1, true)])
  func sgdFollowsItsFormula(momentum: Double, weightDecay: Double, nesterov: Bool) throws {
    let rule = try SGD(momentum: momentum, weightDecay: weightDecay, nesterov: nesterov)
    let want = expected {
      var scalar = ScalarSGD(
        learningRate: 0, momentum: momentum, weightDecay: weightDecay, nesterov: nesterov)
      return { rate, parameter, gradient in
        scalar.learningRate = rate
        scalar.step(&parameter, gradient)
      }
    }
    #expect(isWithin(run(rule, .float64).parameters, want, relative: 1e-12, absolute: 1e-14))
    #expect(isWithin(run(rule, .float32).parameters, want, relative: 1e-4, absolute: 1e-5))
  }

  @Test(arguments: [(0.9, 0.999, 1e-8, 0.0), (0.3, 0.9, 1e-3, 0.1), (0.0, 0.99, 1e-8, 0.01)])
  func adamFollowsItsFormula(
    beta1: Double, beta2: Double, epsilon: Double, weightDecay: Double
  ) throws {
    for decoupled in [false, true] {
      let rule: any SliceOptimizer =
        decoupled
        ? try Adam(
          beta1: beta1, beta2: beta2, epsilon: epsilon, weightDecay: weightDecay,
          decoupledWeightDecay: true)
        : try Adam(beta1: beta1, beta2: beta2, epsilon: epsilon, weightDecay: weightDecay)
      let want = expected {
        var scalar = ScalarAdam(
          learningRate: 0, beta1: beta1, beta2: beta2, epsilon: epsilon, weightDecay: weightDecay,
          decoupled: decoupled)
        return { rate, parameter, gradient in
          scalar.learningRate = rate
          scalar.step(&parameter, gradient)
        }
      }
      #expect(isWithin(run(rule, .float64).parameters, want, relative: 1e-12, absolute: 1e-14))
      #expect(isWithin(run(rule, .float32).parameters, want, relative: 1e-4, absolute: 1e-5))
    }
  }

  @Test(arguments: [DType.float32, .float64])
  func anyCutOfTheRangeGivesTheSameBits(dtype: DType) throws {
    for rule in try Self.allRules() {
      let whole = run(rule, dtype, count: 1003).bits
      for cuts in [[501], [1], [1002], [0, 0, 7, 8, 333, 334, 900, 1003], Array(1..<1003)] {
        #expect(run(rule, dtype, count: 1003, cuts: cuts).bits == whole)
      }
    }
  }

  @Test(arguments: [DType.float32, .float64])
  func theGradientAndWhatLiesOutsideTheRangeStay(dtype: DType) throws {
    for rule in try Self.allRules() {
      var numbers = Numbers(seed: 5)
      let (parameters, gradients) = (numbers.array(64), numbers.array(64))
      let arena = Arena(dtype, parameters: parameters, gradients: gradients)
      let before = Arena(dtype, parameters: parameters, gradients: gradients)
      rule.update(arena.slice[17..<42], scalars: StepScalars(step: 1, learningRate: 0.1))
      #expect(arena.gradients == before.gradients)
      for i in 0..<64 where !(17..<42).contains(i) {
        #expect(arena.parameters[i] == before.parameters[i])
        #expect(arena.state.allSatisfy { $0[i] == 0 })
      }
      for i in 17..<42 { #expect(arena.parameters[i] != before.parameters[i]) }
    }
  }

  @Test(arguments: [DType.float32, .float64])
  func anEmptyRangeChangesNothing(dtype: DType) throws {
    for rule in try Self.allRules() {
      let arena = Arena(dtype, parameters: [1, 2, 3], gradients: [1, 1, 1])
      let before = arena.bits
      for at in [0, 1, 3] {
        rule.update(arena.slice[at..<at], scalars: StepScalars(step: 1, learningRate: 0.1))
      }
      #expect(arena.bits == before)
    }
  }

  @Test func theFirstMomentumBufferIsTheGradient() throws {
    let arena = Arena(.float64, parameters: [1, 2], gradients: [0.25, -0.5])
    try SGD(momentum: 0.9).update(arena.slice, scalars: StepScalars(step: 1, learningRate: 0.1))
    #expect(arena.state[0] == [0.25, -0.5])
  }

  @Test func aFirstMomentWithoutMemoryIsTheGradientExactly() throws {
    let arena = Arena(.float32, parameters: [0], gradients: [1000])
    let rule = try Adam(beta1: 0)
    rule.update(arena.slice, scalars: StepScalars(step: 1, learningRate: 0.1))
    arena.gradients = [0x1p-30]
    rule.update(arena.slice, scalars: StepScalars(step: 2, learningRate: 0.1))
    #expect(arena.state[0] == [0x1p-30])
  }

  @Test(arguments: [DType.float32, .float64])
  func aSteadyGradientHasNoVarianceButARoot(dtype: DType) throws {
    let arena = Arena(dtype, parameters: [1, 1, 1], gradients: [0.1, 1 / 3, -7.7])
    let rule = try RMSProp(alpha: 0.5, centered: true)
    for step in 1...200 {
      rule.update(arena.slice, scalars: StepScalars(step: step, learningRate: 1e-9))
    }
    #expect(arena.parameters.allSatisfy { $0.isFinite })
  }

  @Test func theSumBeginsAtItsInitialValueOnce() throws {
    let arena = Arena(.float64, parameters: [1, 1], gradients: [2, 0])
    let rule = try Adagrad(initialAccumulatorValue: 0.5)
    rule.update(arena.slice, scalars: StepScalars(step: 1, learningRate: 0.1))
    #expect(arena.state[0] == [4.5, 0.5])
    rule.update(arena.slice, scalars: StepScalars(step: 2, learningRate: 0.1))
    #expect(arena.state[0] == [8.5, 0.5])
  }

  /// The product of NAdam's momenta, which is not kept, against the plain product.
  @Test(arguments: [(0.9, 0.004), (0.999, 0.5), (0.9999, 40), (0.0, 0.004), (0.99, 0.0)])
  func nadamFollowsItsFormulaAtAnyStep(beta1: Double, momentumDecay: Double) throws {
    let rule = try NAdam(beta1: beta1, momentumDecay: momentumDecay)
    func mu(_ step: Int) -> Double { beta1 * (1 - 0.5 * pow(0.96, Double(step) * momentumDecay)) }
    for step in [1, 2, 3, 10, 59, 400, 3000] {
      let product = (1...step).reduce(1.0) { $0 * mu($1) }
      let arena = Arena(.float64, parameters: [0], gradients: [0.5])
      rule.update(arena.slice, scalars: StepScalars(step: step, learningRate: 0.1))
      let mean = mu(step + 1) / (1 - product * mu(step + 1)) * (1 - beta1) * 0.5
      let now = (1 - mu(step)) / (1 - product) * 0.5
      let root = (0.001 * 0.25 / (1 - pow(0.999, Double(step)))).squareRoot()
      let want = -0.1 * (mean + now) / (root + 1e-8)
      #expect(isWithin(arena.parameters, [want], relative: 1e-10, absolute: 0))
    }
  }

  @Test func aLateStepStaysFinite() throws {
    for rule in try Self.allRules() {
      let arena = Arena(.float32, parameters: [1], gradients: [0])
      rule.update(arena.slice, scalars: StepScalars(step: .max, learningRate: 0.1))
      #expect(arena.parameters[0].isFinite)
    }
  }

  @Test func stateIsNamedAsInPyTorch() throws {
    #expect(try SGD().stateNames == [])
    #expect(try SGD(momentum: 0.9).stateNames == ["momentum_buffer"])
    #expect(try Adam().stateNames == ["exp_avg", "exp_avg_sq"])
    #expect(try Adam(decoupledWeightDecay: true).stateNames == ["exp_avg", "exp_avg_sq"])
    #expect(try Adam(amsgrad: true).stateNames == ["exp_avg", "exp_avg_sq", "max_exp_avg_sq"])
    #expect(try NAdam().stateNames == ["exp_avg", "exp_avg_sq"])
    #expect(try RAdam().stateNames == ["exp_avg", "exp_avg_sq"])
    #expect(try Lion().stateNames == ["exp_avg"])
    #expect(try Adagrad().stateNames == ["sum"])
    #expect(try Adadelta().stateNames == ["square_avg", "acc_delta"])
    #expect(try RMSProp().stateNames == ["square_avg"])
    #expect(try RMSProp(centered: true).stateNames == ["square_avg", "grad_avg"])
    #expect(
      try RMSProp(momentum: 0.9, centered: true).stateNames == [
        "square_avg", "momentum_buffer", "grad_avg",
      ])
  }

  @Test func hyperparametersOutOfRangeAreNamed() {
    func fault(_ make: () throws -> any SliceOptimizer) -> String? {
      do {
        _ = try make()
        return nil
      } catch let error as OptimizerError {
        return "\(error.optimizer).\(error.parameter)"
      } catch {
        return "\(error)"
      }
    }
    #expect(fault { try SGD(momentum: -0.1) } == "sgd.momentum")
    #expect(fault { try SGD(weightDecay: .nan) } == "sgd.weight_decay")
    #expect(fault { try SGD(nesterov: true) } == "sgd.momentum")
    #expect(fault { try Adam(beta1: 1) } == "adam.beta1")
    #expect(fault { try Adam(beta2: -0.5) } == "adam.beta2")
    #expect(fault { try Adam(epsilon: .infinity, decoupledWeightDecay: true) } == "adamw.epsilon")
    #expect(fault { try Adam(weightDecay: -1, decoupledWeightDecay: true) } == "adamw.weight_decay")
    #expect(fault { try SGD(dampening: .nan) } == "sgd.dampening")
    #expect(fault { try SGD(momentum: 0.9, dampening: 0.1, nesterov: true) } == "sgd.dampening")
    #expect(fault { try NAdam(momentumDecay: -1) } == "nadam.momentum_decay")
    #expect(fault { try RAdam(beta2: 1) } == "radam.beta2")
    #expect(fault { try Lion(beta1: 1) } == "lion.beta1")
    #expect(fault { try Lion(weightDecay: -1) } == "lion.weight_decay")
    #expect(fault { try Adagrad(learningRateDecay: -1) } == "adagrad.lr_decay")
    #expect(
      fault { try Adagrad(initialAccumulatorValue: -1) } == "adagrad.initial_accumulator_value")
    #expect(fault { try Adadelta(rho: 1) } == "adadelta.rho")
    #expect(fault { try RMSProp(alpha: 1) } == "rmsprop.alpha")
    #expect(fault { try RMSProp(momentum: -1) } == "rmsprop.momentum")
    #expect(fault { try LARS(trustCoefficient: -1) } == "lars.trust_coefficient")
    #expect(fault { try LAMB(beta2: 1) } == "lamb.beta2")
    #expect(fault { try Muon(momentum: 1) } == "muon.momentum")
    #expect(fault { try Muon(weightDecay: -1) } == "muon.weight_decay")
    #expect(fault { try Muon(iteration: NewtonSchulz(steps: -1)) } == "muon.ns_steps")
    let error = #expect(throws: OptimizerError.self) { try Adam(beta1: 1) }
    #expect(error?.description == "optimizer.beta1 is 1.0; adam needs a number in [0, 1)")
    #expect(error?.exitCode == .usage)
  }
}
