import DLLayers
import DLTensor
import DLTestSupport
import Testing

/// Gradients of layers with branches, of dense blocks and of class tokens against central
/// differences in float64.
@Suite struct BranchGradientTests {
  /// Activations without kinks, so that differences tell.
  private func chain(_ channels: Int, _ out: Int, kernel: Int) -> Sequential {
    Sequential(
      Conv2d(
        inputChannels: channels, outputChannels: out, kernelSize: Size2d(kernel, kernel),
        padding: .same),
      BatchNorm(features: out), Tanh())
  }

  @Test func concatenation() throws {
    try check(
      Concat([chain(2, 3, kernel: 3), Sequential([]), chain(2, 1, kernel: 1)]), [3, 3, 2, 2])
    try check(
      Concat([Sequential(Tanh()), Sequential([])], names: ["a", "b"], axis: 2), [2, 2, 3, 2])
  }

  @Test func sums() throws {
    try check(
      BranchSum([Sequential([]), chain(2, 2, kernel: 3), chain(2, 2, kernel: 1)]), [3, 2, 3, 2])
  }

  @Test func products() throws {
    let gate = Sequential(
      GlobalAvgPool2d(), Linear(inputFeatures: 2, outputFeatures: 2), Sigmoid())
    try check(BranchProduct([Sequential([]), gate, chain(2, 2, kernel: 1)]), [3, 2, 2, 2])
  }

  @Test func denseBlocks() throws {
    // Above 0 the ReLUs have no kinks.
    try check(DenseBlock(channels: 2, layers: 2, growth: 2), [3, 2, 3, 2]) { parameter in
      if parameter.name.contains("norm"), parameter.name.hasSuffix("bias") {
        try parameter.value.assign([Double](repeating: 6, count: parameter.shape.count))
      }
    }
  }

  @Test func tokens() throws {
    try check(
      Sequential(
        Tokens(), ClassToken(features: 3), LearnedPositions(length: 5, features: 3), Tanh(),
        Select(0)), [2, 2, 2, 3])
    try check(Sequential(ClassToken(features: 2), Select(-1, axis: 2)), [2, 3, 2])
  }

  /// Compares the gradients of the input and of all parameters along a direction.
  private func check(
    _ layer: any Layer, _ shape: Shape, prepare: (Parameter) throws -> Void = { _ in }
  ) throws {
    Engine.current.select()
    let context = Context(precision: .float64)
    context.isTraining = true
    let arena = try ParameterArena(layer, context: context)
    var stream = RandomStream(RandomKey(11))
    func draw(_ count: Int) -> [Double] { (0..<count).map { _ in stream.normal() } }
    for parameter in arena.parameters {
      try parameter.value.assign(draw(parameter.shape.count).map { 0.7 * $0 })
      try prepare(parameter)
    }
    let point = draw(shape.count)
    let x = try Tensor.values(point, shape: shape, context: context).requiringGradient()
    let y = try context.recording { try layer(x) }
    let cotangent = draw(y.count)
    arena.resetGradients()
    try context.backward(
      from: y, gradient: .values(cotangent, shape: y.shape, context: context))

    func projected(_ point: [Double]) throws -> Double {
      let input = try Tensor.values(point, shape: shape, context: context)
      return zipped(try layer(input).doubles, cotangent).reduce(0) { $0 + $1.0 * $1.1 }
    }
    func difference(_ along: (Double) throws -> Double) throws -> Double {
      let h = 1e-3
      return (8 * (try along(h) - along(-h)) - (try along(2 * h) - along(-2 * h))) / (12 * h)
    }
    func compare(_ gradient: [Double], _ name: String, _ move: ([Double]) throws -> Double) throws {
      let direction = draw(gradient.count)
      let want = try difference { h in try move(direction.map { h * $0 }) }
      let got = zipped(gradient, direction).reduce(0) { $0 + $1.0 * $1.1 }
      #expect(abs(got - want) <= 1e-8 * max(1, abs(want)), "\(name): \(got), not \(want)")
    }
    try compare(try #require(x.gradient).doubles, "x") { step in
      try projected(zipped(point, step).map { $0 + $1 })
    }
    for parameter in arena.parameters {
      let values = try parameter.value.doubles
      try compare(try #require(parameter.value.gradient).doubles, parameter.name) { step in
        try parameter.value.assign(zipped(values, step).map { $0 + $1 })
        defer { try? parameter.value.assign(values) }
        return try projected(point)
      }
    }
  }
}
