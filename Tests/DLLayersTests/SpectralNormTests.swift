import DLLayers
import DLTensor
import DLTestSupport
import Testing

/// Weights divided by their largest singular value.
@Suite struct SpectralNormTests {
  @Test func theLargestSingularValueBecomesOne() throws {
    let context = Context(precision: .float64)
    let layer = try SpectralNorm(Linear(inputFeatures: 3, outputFeatures: 2))
    let arena = try ParameterArena(layer, context: context)
    #expect(arena.parameters.map(\.name) == ["weight", "bias"])
    // Singular values 5 and 1 of orthogonal rows.
    try arena.parameters[0].value.assign([3, 0, 4, 0, 1, 0])
    try arena.parameters[1].value.assign([0.5, -2])
    context.isTraining = true
    let x = try Tensor.values([1, 2, 3], shape: [1, 3], context: context)
    for _ in 0..<60 { _ = try layer(x) }
    #expect(deviation(try layer(x).doubles, [15.0 / 5 + 0.5, 2.0 / 5 - 2]) < 1e-12)
    expect("spectral_norm: takes a linear, conv1d or conv2d layer, not ReLU") {
      try SpectralNorm(ReLU())
    }
  }

  /// The gradient goes through the singular value too.
  @Test func gradientIsThatOfDifferences() throws {
    let context = Context(precision: .float64)
    let layer = try SpectralNorm(
      Conv2d(inputChannels: 2, outputChannels: 3, kernelSize: 2, padding: 1))
    let arena = try ParameterArena(layer, context: context)
    var stream = RandomStream(RandomKey(4))
    let x = try Tensor.values(
      (0..<2 * 3 * 3 * 2).map { _ in stream.normal() }, shape: [2, 3, 3, 2], context: context)
    context.isTraining = true
    for _ in 0..<3 { _ = try layer(x) }
    // The vectors stand still in evaluation, as they do for PyTorch's gradient.
    context.isTraining = false
    func loss() throws -> Tensor { try layer(x).square().sum() }
    arena.resetGradients()
    try context.backward(context.recording(loss))
    arena.completeGradients()
    let weight = try arena.parameters[0].value
    let gradient = try #require(weight.gradient).doubles
    let values = weight.doubles
    // v is the unit vector along Wᵀu: σ is its length, whose derivative is that of fixed v.
    for index in [0, 5, 11, 17, 23] {
      func at(_ step: Double) throws -> Double {
        var moved = values
        moved[index] += step
        weight.assign(moved)
        return try loss().scalar
      }
      let difference = (try at(1e-5) - at(-1e-5)) / 2e-5
      #expect(abs(difference - gradient[index]) < 1e-6 * max(1, abs(difference)), "\(index)")
    }
  }
}
