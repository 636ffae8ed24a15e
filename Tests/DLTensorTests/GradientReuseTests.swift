import DLTensor
import DLTestSupport
import Testing

/// Gradients that take over the memory of others: those of ops that are done with what came in, and of
/// sums and ReLUs that a batch normalization takes into its passes.
@Suite struct GradientReuseTests {
  private static let shape: Shape = [4, 3, 2, 3]

  private func values(_ shape: Shape, _ key: Int, _ context: Context) throws -> Tensor {
    var stream = RandomStream(RandomKey(UInt64(key)))
    return try Tensor.values(
      (0..<shape.count).map { _ in stream.normal() }, shape: shape, context: context)
  }

  /// The outputs and gradients of `relu(batchNorm(x) + residual)`, as one op or as three.
  private func run(
    _ dtype: DType, relu: Bool, isFused: Bool, isTraining: Bool, learnsResidual: Bool
  ) throws -> [[Double]] {
    let context = Context(precision: dtype)
    context.isTraining = isTraining
    let x = try values(Self.shape, 1, context).requiringGradient()
    let weight = try values([3], 2, context).requiringGradient()
    let bias = try values([3], 3, context).requiringGradient()
    let around = try values(Self.shape, 4, context)
    if learnsResidual { _ = around.requiringGradient() }
    let running = RunningStatistics(
      mean: try .zeros([3], context: context), variance: try .full([3], 1, context: context),
      momentum: 0.1)
    // What is added is used a second time, and so is x.
    let y = try context.recording {
      let y: Tensor
      if isFused {
        y = try x.batchNorm(
          weight: weight, bias: bias, running: running, residual: around, relu: relu)
      } else {
        let sum = try x.batchNorm(weight: weight, bias: bias, running: running) + around
        y = try relu ? sum.relu() : sum
      }
      return try y * y + around + x
    }
    let result = y.doubles
    try context.backward(from: y, gradient: values(Self.shape, 5, context))
    let inputs = [x, weight, bias] + (learnsResidual ? [around] : [])
    return try [result] + inputs.map { try #require($0.gradient).doubles }
  }

  @Test(arguments: [DType.float32, .float64], [false, true])
  func batchNormWithWhatIsAddedHasTheBitsOfThreeOps(dtype: DType, relu: Bool) throws {
    for isTraining in [false, true] {
      for learnsResidual in [false, true] {
        let (fused, plain) = (
          try run(
            dtype, relu: relu, isFused: true, isTraining: isTraining,
            learnsResidual: learnsResidual),
          try run(
            dtype, relu: relu, isFused: false, isTraining: isTraining,
            learnsResidual: learnsResidual)
        )
        #expect(fused == plain, "training \(isTraining), residual \(learnsResidual)")
      }
    }
  }

  @Test func batchNormRefusesWhatCannotBeAdded() throws {
    let context = Context(precision: .float32)
    let x = try values([2, 3], 1, context)
    let running = RunningStatistics(
      mean: try .zeros([3], context: context), variance: try .full([3], 1, context: context),
      momentum: 0.1)
    expect("batch_norm: input has shape [2, 3], what is added to it [3]") {
      try x.batchNorm(
        weight: nil, bias: nil, running: running, residual: .zeros([3], context: context))
    }
  }

  /// As one op or as two, where the result and the input have other uses and where only the input
  /// learns.
  @Test(arguments: [DType.float32, .float64], GELUApproximation.allCases)
  func geluBehindALinearIsThatByItself(dtype: DType, approximation: GELUApproximation) throws {
    for (roundsProducts, learns) in [(false, true), (true, true), (false, false)] {
      func run(isFused: Bool) throws -> [[UInt64]] {
        let context = Context(precision: dtype)
        context.roundsProducts = roundsProducts
        let x = try values([5, 7], 1, context).requiringGradient()
        let weight = try values([9, 7], 2, context)
        let bias = try values([9], 3, context)
        if learns { for tensor in [weight, bias] { tensor.requiringGradient() } }
        let y = try context.recording {
          isFused
            ? try x.linear(weight, bias: bias, gelu: approximation)
            : try x.linear(weight, bias: bias).gelu(approximation)
        }
        try context.backward(context.recording { try (y * y).sum() + (x * x).sum() })
        let found = [y, x.gradient, weight.gradient, bias.gradient].compactMap { $0?.doubles }
        #expect(found.count == (learns ? 4 : 2))
        return found.map { $0.map(\.bitPattern) }
      }
      #expect(try run(isFused: true) == run(isFused: false))
    }
  }

  /// An op's input that others use too, and a result that is used twice: the gradients, which lie where
  /// others lay, against those of recorded ops, which have memory of their own.
  @Test func whatIsTakenOverReachesNobodyElse() throws {
    let ops: [(name: String, op: (Tensor) throws -> Tensor)] = [
      ("relu", { try $0.relu() }), ("gelu", { try $0.gelu() }), ("tanh", { try $0.tanh() }),
      ("square", { try $0.square() }), ("pow", { try $0.square().pow(1.5) }),
      ("clamp", { try $0.clamp(-0.5, 0.5) }), ("softmax", { try $0.softmax() }),
      ("log_softmax", { try $0.logSoftmax() }),
      ("layer_norm", { try $0.layerNorm(weight: nil, bias: nil, axes: 1) }),
      ("dropout", { try $0.dropout(0.3, key: RandomKey(5)) }),
    ]
    for (name, op) in ops {
      let context = Context(precision: .float64)
      let x = try values([4, 6], 7, context).requiringGradient()
      let factor = try values([4, 6], 8, context)
      func total() throws -> Tensor {
        let (a, b) = (try op(x), try op(x * factor))
        let c = try op(a.reshape([24]).reshape([4, 6]) + b)
        return try (a * b + c * factor + x * c + op(x)).sum()
      }
      let expected = try context.gradients(of: context.differentiably(total), with: [x])[0].doubles
      context.discardTape()
      try context.backward(context.recording(total))
      let found = try #require(x.gradient).doubles
      #expect(deviation(found, expected) { max(1, abs($0)) } < 1e-12, "\(name)")
    }
  }

  /// Two losses of the same logits: the second finds a gradient, and adds to it.
  @Test func lossesOfTheSameLogitsAddUp() throws {
    for dtype in [DType.float32, .float64] {
      let context = Context(precision: dtype)
      let labels = try Tensor.labels([0, 3, 6, 2, 2], context: context)
      let weights = (0..<7).map { 0.5 + Double($0) }
      func gradient(_ loss: (Tensor) throws -> Tensor) throws -> [Double] {
        let logits = try values([5, 7], 9, context).requiringGradient()
        let value = try context.recording { try loss(logits) }
        try context.backward(value, seed: 0.25)
        return try #require(logits.gradient).doubles
      }
      let first = try gradient { try $0.crossEntropySum(labels: labels) }
      let second = try gradient { try $0.crossEntropySum(labels: labels, weights: weights) }
      let both = try gradient {
        try $0.crossEntropySum(labels: labels)
          + $0.crossEntropySum(labels: labels, weights: weights)
      }
      let bound = dtype == .float32 ? 1e-6 : 1e-14
      #expect(deviation(both, zipped(first, second).map { $0 + $1 }) { _ in 1 } < bound)
    }
  }
}
