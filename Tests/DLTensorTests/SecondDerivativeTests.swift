import DLTensor
import DLTestSupport
import Testing

/// What gradients of gradients promise beside their values, which the golden tests compare.
@Suite struct SecondDerivativeTests {
  private let context = Context(precision: .float64)

  private func leaf(_ values: Double...) throws -> Tensor {
    try .values(values, shape: [values.count], context: context).requiringGradient()
  }

  /// The derivatives of x⁴ up to the fifth.
  @Test func anyOrder() throws {
    let x = try leaf(3, -2)
    var y = try context.differentiably { try x * x * x * x }
    let wanted: [(Double) -> Double] = [
      { 4 * $0 * $0 * $0 }, { 12 * $0 * $0 }, { 24 * $0 }, { _ in 24 }, { _ in 0 },
    ]
    for derivative in wanted {
      let total = try context.differentiably { try y.sum() }
      y = try context.gradients(of: total, with: [x], createGraph: true)[0]
      #expect(y.doubles == [derivative(3), derivative(-2)])
    }
  }

  /// By hand, since PyTorch's bags have no second derivatives: with y of `Σ y³` a bag of n rows has 6 n y at
  /// each of them, and a largest element 6 y at the row that it is taken from.
  @Test func bagsOfLargestElementsDifferentiateTwice() throws {
    let weight = try Tensor.values(
      [1, 8, 5, 2, .infinity, 9], shape: [3, 2], dtype: .float64, context: context
    ).requiringGradient()
    let bags = try Tensor.labels([0, 1, 1, 2], shape: [2, 2], context: context)
    let cases: [(EmbeddingBagMode, [Double])] = [
      (.max, [0, 48, 60, 12, 0, 0]), (.sum, [72, 120, 102, 132, 0, 0]),
    ]
    for (mode, wanted) in cases {
      let slope = try context.differentiably {
        let y = try bags.embeddingBag(weight, mode: mode, paddingIndex: 2)
        return try context.gradients(of: (y * y * y).sum(), with: [weight], createGraph: true)[0]
          .sum()
      }
      #expect(try context.gradients(of: slope, with: [weight])[0].doubles == wanted, "\(mode)")
    }
  }

  @Test func opWithoutSecondDerivativesIsNamed() throws {
    let x = try Tensor.zeros([1, 4, 4, 2], context: context).requiringGradient()
    let y = try context.differentiably { try x.maximum(axes: [2]).sum() }
    let error = #expect(throws: TensorError.self) { try context.gradients(of: y, with: [x]) }
    #expect(error?.description.hasPrefix("reduceLast") == true)
    // The ordinary backward pass goes through it.
    try context.backward(y)
    #expect(x.gradient?.doubles.reduce(0, +) == 8)
  }

  @Test func recordedOutsideIsRefused() throws {
    let x = try leaf(1)
    let y = try context.recording { try x.tanh().sum() }
    #expect(throws: TensorError.self) { try context.gradients(of: y, with: [x]) }
  }

  /// What made an input of the gradient is not asked for its derivatives.
  @Test func opsBeforeTheInputsDoNotMatter() throws {
    let x = try leaf(2)
    let middle = try context.recording { try x.tanh() }
    let y = try context.differentiably { try (middle * middle).sum() }
    let gradient = try context.gradients(of: y, with: [middle])[0]
    #expect(gradient.doubles == middle.doubles.map { 2 * $0 })
    try context.backward(y)
    let t = middle.scalar
    #expect(abs(try #require(x.gradient).scalar - 2 * t * (1 - t * t)) < 1e-15)
  }

  @Test func inputsOnWhichNothingDependsGetZeros() throws {
    let (x, other) = (try leaf(2), try leaf(1, 5))
    let y = try context.differentiably { try (x * x).sum() }
    let gradients = try context.gradients(of: y, with: [other, x])
    #expect(gradients.map(\.doubles) == [[0, 0], [4]])
    #expect(x.gradient == nil)
  }

  @Test func wrongUseIsAnError() throws {
    let x = try leaf(2)
    let y = try context.differentiably { try (x * x).sum() }
    let plain = try Tensor.zeros([2], context: context)
    #expect(throws: TensorError.self) { try context.gradients(of: y, with: [plain]) }
    #expect(throws: TensorError.self) { try context.gradients(of: y, with: [x], seed: plain) }
  }

  @Test func emptyBatches() throws {
    let x = try Tensor.zeros([0, 3], context: context).requiringGradient()
    let weight = try Tensor.full([2, 3], 1, context: context).requiringGradient()
    let slope = try context.differentiably {
      let y = try x.linear(weight).softplus().sum()
      return try context.gradients(of: y, with: [x], createGraph: true)[0]
    }
    #expect(slope.shape == [0, 3])
    try context.backward(context.differentiably { try (slope * slope).sum() })
    #expect(weight.gradient?.doubles == [Double](repeating: 0, count: 6))
  }

  /// A weight used twice gets both parts, and parameters keep the memory of their gradients.
  @Test func backwardAddsToBoundGradients() throws {
    let weight = try leaf(3)
    let memory = try Tensor.full([1], 100, context: context)
    weight.bindGradient(memory)
    let y = try context.differentiably { try (weight * weight).sum() }
    try context.backward(y)
    #expect(memory.doubles == [6])
  }
}
