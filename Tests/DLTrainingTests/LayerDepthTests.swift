import DLLayers
import DLTensor
import DLTestSupport
import DLTraining
import Testing

/// The layers that learning rates fall over, as timm groups them.
@Suite struct LayerDepthTests {
  private func depths(_ model: Module) throws -> [String: Int] {
    let arena = try ParameterArena(model, context: Context())
    let depths = LayerDepths(arena, arena.parameters.indices, decay: 0.5)
    return Dictionary(uniqueKeysWithValues: zipped(arena.parameters.map(\.name), depths.depths))
  }

  /// timm: the stem is 0, a block its number and one, the last norm that of the block before it, and
  /// the head one more.
  @Test func layersCountFromTheInput() throws {
    final class Vision: Module {
      let patch = Conv2d(inputChannels: 3, outputChannels: 4, kernelSize: 2)
      let token = ClassToken(features: 4)
      let blocks: [Module] = (0..<3).map { _ in
        TransformerEncoderLayer(features: 4, TransformerOptions(heads: 2, feedForward: 6))
      }
      let norm = LayerNorm(normalizedShape: [4])
      let head = Linear(inputFeatures: 4, outputFeatures: 2)
    }
    for (name, depth) in try depths(Vision()) {
      let parts = name.split(separator: ".")
      switch parts[0] {
      case "patch", "token": #expect(depth == 0, "\(name)")
      case "blocks": #expect(depth == 1 + (Int(parts[1]) ?? -1), "\(name)")
      case "norm": #expect(depth == 3, "\(name)")
      default: #expect(name.hasPrefix("head") && depth == 4, "\(name)")
      }
    }
  }

  @Test func chainsCountTheirPlaces() throws {
    let chain = Sequential(
      Linear(inputFeatures: 2, outputFeatures: 2), LayerNorm(normalizedShape: [2]), ReLU(),
      Sequential(
        Linear(inputFeatures: 2, outputFeatures: 2), Linear(inputFeatures: 2, outputFeatures: 2)),
      PReLU(count: 1), Linear(inputFeatures: 2, outputFeatures: 2))
    let found = try depths(chain)
    #expect(
      found == [
        "0.weight": 0, "0.bias": 0, "1.weight": 0, "1.bias": 0, "3.0.weight": 1, "3.0.bias": 1,
        "3.1.weight": 2, "3.1.bias": 2, "4.weight": 2, "5.weight": 3, "5.bias": 3,
      ])
  }

  @Test func ratesFallTowardsTheInput() throws {
    let arena = try ParameterArena(
      Sequential(
        Linear(inputFeatures: 2, outputFeatures: 2), Linear(inputFeatures: 2, outputFeatures: 2),
        Linear(inputFeatures: 2, outputFeatures: 2)), context: Context())
    let depths = LayerDepths(arena, 0..<6, decay: 0.5)
    #expect((0..<6).map(depths.rateFactor) == [0.25, 0.25, 0.5, 0.5, 1, 1])
    // A phase counts its own layers.
    let part = LayerDepths(arena, 2..<6, decay: 0.5)
    #expect((0..<4).map(part.rateFactor) == [0.5, 0.5, 1, 1])
  }
}
