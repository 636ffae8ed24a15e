import DLLayers
import DLTensor
import DLTestSupport
import Testing

/// The flat memory of a model.
@Suite struct ArenaTests {
  private func network() -> Sequential {
    Sequential(
      Conv2d(inputChannels: 3, outputChannels: 5, kernelSize: 3), BatchNorm(features: 5), Flatten(),
      Linear(inputFeatures: 45, outputFeatures: 7, bias: false))
  }

  @Test(arguments: [DType.float32, .float64])
  func parametersAreAlignedWithZerosBetween(dtype: DType) throws {
    let arena = try ParameterArena(network(), context: Context(precision: dtype))
    for (parameter, offset) in compared(arena.parameters, arena.offsets) {
      let tensor = try parameter.value
      #expect(tensor.pointer == arena.values + offset * dtype.byteCount)
      #expect(UInt(bitPattern: tensor.pointer) % 64 == 0)
      #expect(try #require(tensor.gradient).pointer == arena.gradients + offset * dtype.byteCount)
      #expect(arena.parameter(at: offset)?.name == parameter.name)
    }
    var covered = [Bool](repeating: false, count: arena.count)
    for (parameter, offset) in compared(arena.parameters, arena.offsets) {
      for index in offset..<offset + parameter.shape.count { covered[index] = true }
    }
    let bytes = UnsafeRawBufferPointer(
      start: arena.values, count: arena.count * dtype.byteCount)
    for (index, isCovered) in covered.enumerated() where !isCovered {
      let element = bytes[index * dtype.byteCount..<(index + 1) * dtype.byteCount]
      #expect(element.allSatisfy { $0 == 0 })
    }
  }

  @Test func startsDependOnSeedAndNameAlone() throws {
    func values(_ model: Module, seed: UInt64) throws -> [String: [Double]] {
      let arena = try ParameterArena(model, context: Context(precision: .float64, seed: seed))
      return try Dictionary(
        uniqueKeysWithValues: arena.parameters.map { ($0.name, try $0.value.doubles) })
    }
    let first = try values(network(), seed: 1)
    #expect(try values(network(), seed: 1) == first)
    #expect(try values(network(), seed: 2) != first)
    // One layer less in front of nothing else: the same names start the same.
    let shorter = try values(
      Sequential(
        Conv2d(inputChannels: 3, outputChannels: 5, kernelSize: 3), BatchNorm(features: 5)), seed: 1
    )
    #expect(shorter["0.weight"] == first["0.weight"] && shorter["0.bias"] == first["0.bias"])
    // PyTorch's bounds: ±1/√27 and ±1/√45.
    let bounds = [("0.weight", 27.0), ("0.bias", 27), ("3.weight", 45)]
    for (name, fanIn) in bounds {
      let drawn = try #require(first[name])
      #expect(drawn.allSatisfy { abs($0) <= 1 / fanIn.squareRoot() }, "\(name)")
      #expect(Set(drawn).count == drawn.count, "\(name)")
    }
    let weight = try #require(first["3.weight"])
    let mean = weight.reduce(0, +) / Double(weight.count)
    let variance = weight.reduce(0) { $0 + $1 * $1 } / Double(weight.count)
    #expect(abs(mean) < 0.02 && abs(variance * 3 * 45 - 1) < 0.15)
    #expect(first["1.weight"] == [1, 1, 1, 1, 1] && first["1.bias"] == [0, 0, 0, 0, 0])
  }

  @Test func gradientsStartAnewWithEachStep() throws {
    let context = Context(precision: .float64)
    let (used, unused) = (
      Linear(inputFeatures: 2, outputFeatures: 1), Linear(inputFeatures: 2, outputFeatures: 1)
    )
    let model = Sequential(used, unused)
    let arena = try ParameterArena(model, context: context)
    let x = try Tensor.values([1, 2], shape: [1, 2], context: context)
    for step in 1...2 {
      arena.resetGradients()
      for _ in 0..<step { try context.backward(context.recording { try used(x).sum() }) }
      arena.completeGradients()
      let gradient = try #require(used.weight.value.gradient).doubles
      #expect(gradient == [Double(step), 2 * Double(step)])
      #expect(try #require(unused.weight.value.gradient).doubles == [0, 0])
    }
  }
}
