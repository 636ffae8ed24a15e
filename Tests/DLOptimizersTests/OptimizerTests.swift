import DLOptimizers
import DLTensor
import Testing

@Suite struct OptimizerTests {
  static func allRules() throws -> [any Optimizer] {
    [
      try SGD(),
      try SGD(weightDecay: 0.05),
      try SGD(momentum: 0.9, weightDecay: 5e-4),
      try SGD(momentum: 0.8, weightDecay: 0.1, nesterov: true),
      try Adam(),
      try Adam(beta1: 0.3, beta2: 0.9, epsilon: 1e-3, weightDecay: 0.1),
      try Adam(beta1: 0, beta2: 0.99),
      try AdamW(weightDecay: 0.1),
    ]
  }

  /// Fifteen steps with new gradients each, the rate falling, the gradient scaled by 0.7.
  private func run(
    _ rule: any Optimizer, _ dtype: DType, count: Int = 77, cuts: [Int] = []
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
    #expect(excess(run(rule, .float64).parameters, want, relative: 1e-12, absolute: 1e-14) <= 0)
    #expect(excess(run(rule, .float32).parameters, want, relative: 1e-4, absolute: 1e-5) <= 0)
  }

  @Test(arguments: [(0.9, 0.999, 1e-8, 0.0), (0.3, 0.9, 1e-3, 0.1), (0.0, 0.99, 1e-8, 0.01)])
  func adamFollowsItsFormula(
    beta1: Double, beta2: Double, epsilon: Double, weightDecay: Double
  ) throws {
    for decoupled in [false, true] {
      let rule: any Optimizer =
        decoupled
        ? try AdamW(beta1: beta1, beta2: beta2, epsilon: epsilon, weightDecay: weightDecay)
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
      #expect(excess(run(rule, .float64).parameters, want, relative: 1e-12, absolute: 1e-14) <= 0)
      #expect(excess(run(rule, .float32).parameters, want, relative: 1e-4, absolute: 1e-5) <= 0)
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
        #expect(arena.state[0][i] == 0 && arena.state[1][i] == 0)
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
    #expect(try AdamW().stateNames == ["exp_avg", "exp_avg_sq"])
    #expect(
      try Self.allRules().map(\.name) == Array(repeating: "sgd", count: 4) + [
        "adam", "adam", "adam", "adamw",
      ])
  }

  @Test func hyperparametersOutOfRangeAreNamed() {
    func fault(_ make: () throws -> any Optimizer) -> String? {
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
    #expect(fault { try AdamW(epsilon: .infinity) } == "adamw.epsilon")
    #expect(fault { try AdamW(weightDecay: -1) } == "adamw.weight_decay")
    let error = #expect(throws: OptimizerError.self) { try Adam(beta1: 1) }
    #expect(error?.description == "optimizer.beta1 is 1.0; adam needs a number in [0, 1)")
    #expect(error?.exitCode == .usage)
  }
}
