import DLOptimizers
import DLTensor
import DLTestSupport
import Testing

/// Rules that go by norms of whole tensors, and the plan that gives them those.
@Suite struct WholeTensorTests {
  private static func rules() throws -> [any TensorNormOptimizer] {
    [
      try LARS(weightDecay: 0.01, trustCoefficient: 0.1), try LARS(momentum: 0),
      try LAMB(), try LAMB(beta1: 0.3, weightDecay: 0), try LAMB(adapts: false),
    ]
  }

  /// With the sums of the whole tensor, it does not matter who takes which part of the step.
  @Test(arguments: [DType.float32, .float64])
  func anyCutOfTheSecondPhaseGivesTheSameBits(dtype: DType) throws {
    let count = 40_000
    var numbers = Numbers(seed: 11)
    let (parameters, gradients) = (numbers.array(count), numbers.array(count))
    for rule in try Self.rules() {
      let plan = ArenaUpdate(
        groups: [.init(rule: rule, learningRate: 0.1)], members: [.init(0..<count, group: 0)])
      let whole = Arena(dtype, parameters: parameters, gradients: gradients)
      let parts = Arena(dtype, parameters: parameters, gradients: gradients)
      for step in 1...3 {
        let scalars = StepScalars(step: step, learningRate: 0.1, gradientScale: 0.7)
        plan(
          whole.slice,
          scalars: StepScalars(step: step, learningRate: 1, gradientScale: 0.7))
        // The blocks in another order of making, added in their own.
        let blocks = Array(ArenaUpdate.blocks(of: 0..<count))
        var sums = blocks.map { _ in SquareSums() }
        for index in blocks.indices.reversed() {
          sums[index] = rule.accumulate(parts.slice[blocks[index]], scalars: scalars)
        }
        let total = sums.reduce(SquareSums(), +)
        for cut in [20_000..<count, 0..<1, 1..<16_385, 16_385..<20_000] {
          rule.apply(parts.slice[cut], scalars: scalars, sums: total)
        }
      }
      #expect(whole.bits == parts.bits, "\(type(of: rule))")
    }
  }

  @Test func aRuleByItselfTakesASliceForOneTensor() throws {
    var numbers = Numbers(seed: 12)
    let (parameters, gradients) = (numbers.array(50), numbers.array(50))
    for rule in try Self.rules() {
      let alone = Arena(.float64, parameters: parameters, gradients: gradients)
      let planned = Arena(.float64, parameters: parameters, gradients: gradients)
      rule.update(alone.slice, scalars: StepScalars(step: 1, learningRate: 0.5))
      ArenaUpdate(
        groups: [.init(rule: rule, learningRate: 0.5)], members: [.init(0..<50, group: 0)])(
          planned.slice, scalars: StepScalars(step: 1, learningRate: 1))
      #expect(alone.bits == planned.bits)
    }
  }

  @Test func aTensorOfZerosTakesAPlainStep() throws {
    let arena = Arena(.float64, parameters: [0, 0], gradients: [1, -2])
    try LARS(momentum: 0).update(arena.slice, scalars: StepScalars(step: 1, learningRate: 0.5))
    #expect(arena.parameters == [-0.5, 1])
    let still = Arena(.float64, parameters: [3, 4], gradients: [0, 0])
    try LARS().update(still.slice, scalars: StepScalars(step: 1, learningRate: 0.5))
    #expect(still.parameters == [3, 4])
  }

  @Test func aLarsStepIsAFractionOfItsTensor() throws {
    let arena = Arena(.float64, parameters: [3, 4], gradients: [0, 100])
    let rule = try LARS(momentum: 0, trustCoefficient: 0.01, epsilon: 0)
    rule.update(arena.slice, scalars: StepScalars(step: 1, learningRate: 2))
    #expect(isWithin(arena.parameters, [3, 4 - 0.1], relative: 1e-12, absolute: 0))
  }

  @Test func aFrozenGroupKeepsParametersAndState() throws {
    let rule = try Adam(weightDecay: 0.1)
    let arena = Arena(
      .float32, parameters: [Double](repeating: 1, count: 48),
      gradients: [Double](repeating: 1, count: 48))
    let plan = ArenaUpdate(
      groups: [
        .init(rule: rule, learningRate: 0.1), .init(rule: rule, learningRate: 1, isFrozen: true),
      ],
      members: [.init(0..<10, group: 0), .init(16..<20, group: 1), .init(32..<48, group: 0)])
    plan(arena.slice, scalars: StepScalars(step: 1, learningRate: 1))
    #expect(plan.frozenRanges == [16..<20])
    for index in 16..<20 {
      #expect(arena.parameters[index] == 1 && arena.state[0][index] == 0)
    }
    #expect(arena.parameters[0] != 1 && arena.parameters[47] != 1)
  }

  @Test(arguments: [
    ("*.bias", "layer1.0.bias", true), ("*.bias", "bias", false), ("*bias", "bias", true),
    ("*.bias", "layer1.bias_ih", false), ("*.bias*|norm*", "lstm.bias_ih_l0", true),
    ("*.bias | norm*", "norm1.weight", true), ("layer?.weight", "layer1.weight", true),
    ("layer?.weight", "layer12.weight", false), ("*a*b*c", "xxaxbxbxc", true),
    ("*a*b*c", "xxaxcxb", false), ("", "x", false), ("*", "", true), ("x", "x", true),
    ("**", "anything", true), ("*.*.weight", "0.weight", false),
  ])
  func patternsMatchWholeNames(_ pattern: String, _ name: String, _ matches: Bool) {
    #expect(ParameterPattern(pattern).matches(name) == matches)
  }

  @Test func valuesAreClippedAndWhatIsNoNumberStays() {
    let arena = Arena(
      .float32, parameters: [0, 0, 0, 0, 0], gradients: [1, -1, 0.25, .infinity, .nan])
    GradientClipping.clip(arena.slice, maxValue: 0.5)
    #expect(Array(arena.gradients[..<4]) == [0.5, -0.5, 0.25, 0.5])
    #expect(arena.gradients[4].isNaN)
  }

  @Test func anAverageSwapsWithTheWeightsAndBack() throws {
    var numbers = Numbers(seed: 2)
    let values = numbers.array(3001)
    let arena = Arena(.float64, parameters: values)
    let average = try WeightAverage(.equal, count: 3001, dtype: .float64)
    let slice = arena.slice
    average.update(slice.parameters)
    try SGD().update(
      {
        arena.gradients = values; return slice
      }(), scalars: StepScalars(step: 1, learningRate: 1))
    #expect(arena.parameters.allSatisfy { $0 == 0 })
    average.swap(with: slice.parameters)
    #expect(arena.parameters == values && average.values.doubles.allSatisfy { $0 == 0 })
    average.swap(with: slice.parameters)
    #expect(arena.parameters.allSatisfy { $0 == 0 } && average.values.doubles == values)
  }

  @Test func settingsOutOfRangeAreNamed() {
    var options = LBFGS.Options()
    options.historySize = 0
    #expect(throws: OptimizerError.self) { try LBFGS(options, count: 1, dtype: .float32) }
    #expect(throws: OptimizerError.self) { try PlateauReduction(factor: 1) }
    #expect(throws: OptimizerError.self) {
      try SharpnessAwareness(rho: -1, count: 1, dtype: .float32)
    }
    let error = #expect(throws: OptimizerError.self) {
      try LBFGS(count: 1, dtype: .float32).restore(["n_iter": 1])
    }
    #expect(error?.description.contains("func_evals") == true)
  }

  /// A loss that overflows on the way is a point too far, not the end.
  @Test func theLineSearchComesBackFromWhereTheLossIsNoNumber() throws {
    var options = LBFGS.Options()
    options.usesLineSearch = true
    options.learningRate = 1000
    let method = try LBFGS(options, count: 1, dtype: .float64)
    let arena = Arena(.float64, parameters: [1])
    for _ in 0..<5 {
      _ = try method.step(arena.slice) {
        let x = arena.parameters[0]
        arena.gradients = [x > -3 ? 2 * (x + 2) : .nan]
        return x > -3 ? (x + 2) * (x + 2) : .nan
      }
    }
    #expect(abs(arena.parameters[0] + 2) < 1e-6)
  }
}
