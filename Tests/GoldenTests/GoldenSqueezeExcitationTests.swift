import DLLayers
import DLTensor
import Testing

/// Squeeze and excitation against PyTorch.
@Suite struct GoldenSqueezeExcitationTests {
  @Test(arguments: [DType.float64, .float32])
  func squeezeExcitation(dtype: DType) throws {
    let cases = try Golden.cases("squeeze")
    #expect(cases.count >= 3)
    for golden in cases {
      let weight = try golden.shape("in/fc1_weight")
      let layer = SqueezeExcitation(channels: weight[1], squeezeChannels: weight[0])
      try LayerCheck(
        golden, dtype, layer,
        [
          "fc1_weight": layer.fc1.weight, "fc1_bias": layer.fc1.bias,
          "fc2_weight": layer.fc2.weight, "fc2_bias": layer.fc2.bias,
        ]
      ).run()
    }
  }

  /// The names are torchvision's, and 16 goes into 40 channels twice.
  @Test func optionsAndNames() throws {
    let made = try SqueezeExcitation.Options().layer(for: [5, 4, 40])
    let layer = try #require(made as? SqueezeExcitation)
    let arena = try ParameterArena(layer, context: Context(precision: .float32))
    #expect(
      arena.parameters.map(\.name) == ["fc1.weight", "fc1.bias", "fc2.weight", "fc2.bias"])
    #expect(layer.fc1.weight.fileShape == [2, 40, 1, 1])
    #expect(layer.fc2.weight.fileShape == [40, 2, 1, 1])
    let narrow = try SqueezeExcitation.Options().layer(for: [5, 4, 3]) as? SqueezeExcitation
    #expect(narrow?.fc1.weight.fileShape == [1, 3, 1, 1])
    #expect(throws: TensorError.self) { try layer.outputShape(for: [5, 4, 39]) }
  }
}
