import DLLayers
import DLTensor
import DLTestSupport
import Testing

/// Parameters are found and named by their property path, and errors carry it.
@Suite struct ModuleTests {
  private final class Block: Module, Layer {
    let convFirst = Conv2d(inputChannels: 2, outputChannels: 2, kernelSize: 3, padding: 1)
    let norms = [BatchNorm(features: 2), BatchNorm(features: 2, affine: false)]
    let downSample: Sequential?

    init(downSample: Sequential?) { self.downSample = downSample }

    func forward(_ x: Tensor) throws -> Tensor {
      try norms[1](norms[0](convFirst(x))) + (downSample?(x) ?? x)
    }
  }

  private final class Net: Module, Layer {
    let stem = Conv2d(inputChannels: 3, outputChannels: 2, kernelSize: 1, bias: false)
    let layer1: [Block]

    override init() {
      layer1 = [
        Block(downSample: nil),
        Block(downSample: Sequential(Conv2d(inputChannels: 5, outputChannels: 2, kernelSize: 1))),
      ]
    }

    func forward(_ x: Tensor) throws -> Tensor {
      try layer1.reduce(stem(x)) { try $1($0) }
    }
  }

  @Test func namesAreStateDicts() throws {
    let arena = try ParameterArena(Net(), context: Context())
    #expect(
      arena.parameters.map(\.name) == [
        "stem.weight", "layer1.0.conv_first.weight", "layer1.0.conv_first.bias",
        "layer1.0.norms.0.weight", "layer1.0.norms.0.bias", "layer1.1.conv_first.weight",
        "layer1.1.conv_first.bias", "layer1.1.norms.0.weight", "layer1.1.norms.0.bias",
        "layer1.1.down_sample.0.weight", "layer1.1.down_sample.0.bias",
      ])
    #expect(
      arena.buffers.prefix(4).map(\.name) == [
        "layer1.0.norms.0.running_mean", "layer1.0.norms.0.running_var",
        "layer1.0.norms.0.num_batches_tracked", "layer1.0.norms.1.running_mean",
      ])
    #expect(
      arena.parameters[0].fileShape == [2, 3, 1, 1] && arena.parameters[0].shape == [1, 1, 3, 2])
  }

  @Test func errorsCarryThePath() throws {
    let context = Context()
    let net = Net()
    _ = try ParameterArena(net, context: context)
    #expect {
      try net(.zeros([1, 4, 4, 3], context: context))
    } throws: {
      "\($0)" == "layer1.1.down_sample.0: conv2d: input has 2 channels, weight expects 5"
    }
    #expect {
      try net(.zeros([1, 4, 4, 4], context: context))
    } throws: {
      "\($0)" == "stem: conv2d: input has 4 channels, weight expects 3"
    }
    let chain = Sequential(
      Flatten(),
      Residual(
        Sequential(Linear(inputFeatures: 8, outputFeatures: 4)),
        shortcut: Sequential(ReLU(), Linear(inputFeatures: 7, outputFeatures: 4))))
    _ = try ParameterArena(chain, context: context)
    #expect {
      try chain(.zeros([2, 2, 2, 2], context: context))
    } throws: {
      "\($0)" == "1.shortcut.1: linear: input has shape [2, 8], weight [4, 7] expects [..., in]"
    }
    #expect {
      try chain.outputShape(for: [2, 2, 2])
    } throws: {
      "\($0)" == "1.shortcut.1: linear: input has shape [8], weight expects 7 features"
    }
  }

  @Test func parametersNeedAnArena() throws {
    let context = Context()
    #expect(throws: TensorError.self) {
      try Linear(inputFeatures: 2, outputFeatures: 2)(.zeros([1, 2], context: context))
    }
    #expect(throws: TensorError.self) {
      try BatchNorm(features: 2)(.zeros([1, 2], context: context))
    }
  }

  @Test func sharedModulesAreTied() throws {
    let context = Context(precision: .float64)
    let (shared, norm) = (Linear(inputFeatures: 3, outputFeatures: 3), BatchNorm(features: 3))
    let net = Sequential(shared, norm, shared, norm)
    let arena = try ParameterArena(net, context: context)
    #expect(arena.parameters.map(\.name) == ["0.weight", "0.bias", "1.weight", "1.bias"])
    #expect(arena.tiedNames.map(\.name) == ["2.weight", "2.bias", "3.weight", "3.bias"])
    #expect(
      arena.tiedBufferNames.map(\.name) == [
        "3.running_mean", "3.running_var", "3.num_batches_tracked",
      ])
    // Both uses add to the one gradient.
    let chain = Sequential(shared, shared)
    _ = try ParameterArena(chain, context: context)
    try shared.weight.value.assign([2, 0, 0, 0, 3, 0, 0, 0, 4])
    try #require(shared.bias).value.assign([0, 0, 0])
    let loss = try context.recording {
      try chain(.values([1, 1, 1], shape: [1, 3], context: context)).sum()
    }
    try context.backward(loss)
    let gradient = try #require(shared.weight.value.gradient).doubles
    #expect(gradient == [4, 5, 6, 5, 6, 7, 6, 7, 8])
  }
}
