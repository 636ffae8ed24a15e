import DLCluster
import DLLayers
import DLTensor
import Testing

/// Names, shapes and faults of layers with branches and of what vision networks are made of.
@Suite struct BranchTests {
  private func names(_ layer: any Layer) throws -> [String] {
    try ParameterArena(layer, context: Context()).parameters.map(\.name)
  }

  private func linear(_ input: Int, _ output: Int) -> Sequential {
    Sequential(Linear(inputFeatures: input, outputFeatures: output, bias: false))
  }

  @Test func branchesAreNamedAsModuleListsAndDictionariesNameThem() throws {
    #expect(
      try names(Sequential(Concat([linear(2, 3), Sequential([]), linear(2, 1)])))
        == ["0.0.0.weight", "0.2.0.weight"])
    #expect(
      try names(BranchSum([linear(2, 2), linear(2, 2)], names: ["left", "right"]))
        == ["left.0.weight", "right.0.weight"])
    #expect(
      try names(DenseBlock(channels: 4, layers: 2, growth: 2, bottleneck: nil)) == [
        "denselayer1.norm1.weight", "denselayer1.norm1.bias", "denselayer1.conv1.weight",
        "denselayer2.norm1.weight", "denselayer2.norm1.bias", "denselayer2.conv1.weight",
      ])
    #expect(try names(Sequential(ClassToken(features: 2))) == ["0.class_token"])
  }

  @Test func anEmptyBranchIsTheIdentity() throws {
    let context = Context(precision: .float64)
    let x = try Tensor.values([1, 2, 3, 4], shape: [2, 2], context: context)
    let nothing = Sequential([])
    #expect(try Concat([nothing, nothing])(x).doubles == [1, 2, 1, 2, 3, 4, 3, 4])
    #expect(try BranchSum([nothing, nothing, nothing])(x).doubles == [3, 6, 9, 12])
    #expect(try BranchProduct([nothing, nothing])(x).doubles == [1, 4, 9, 16])
  }

  @Test func shapesThatDoNotFitAreErrors() {
    func message(_ layer: any Layer, _ input: Shape) -> String? {
      let error = #expect(throws: TensorError.self) { try layer.outputShape(for: input) }
      return error?.description
    }
    let pool = Sequential(MaxPool2d(kernelSize: 2))
    #expect(
      message(Concat([Sequential([]), pool]), [4, 4, 3])
        == "concat: branches give [4, 4, 3], [2, 2, 3], which differ in more than axis -1; use padding "
        + "or a stride to make the others equal")
    #expect(
      message(Concat([Sequential([])], axis: 4), [4, 4, 3])?.contains("axis 4 of outputs") == true)
    #expect(
      message(Concat([Sequential([])], axis: 0), [4, 4, 3])?.contains("axis 0 of outputs") == true)
    #expect(message(Concat([Sequential([]), Sequential(Flatten())]), [4, 4, 3]) != nil)
    #expect(
      message(BranchSum([Sequential([]), pool]), [4, 4, 3])
        == "sum: branches give [4, 4, 3], [2, 2, 3]; all need one shape")
    #expect(
      message(BranchProduct([Sequential([]), pool]), [4, 4, 3])?.contains("do not broadcast")
        == true)
    #expect(
      message(Tokens(), [4, 3])
        == "tokens: input has shape [4, 3], expected [height, width, channels]")
    #expect(
      message(ClassToken(features: 3), [5, 2])
        == "class_token: input has shape [5, 2], expected [length, 3]")
    #expect(message(Select(5), [5, 2])?.contains("no position 5") == true)
    #expect(message(Select(0, axis: 3), [5, 2])?.contains("no axis 3") == true)
    #expect(message(Select(), [])?.contains("no axis 1") == true)
    #expect(
      message(DenseBlock(channels: 3, layers: 1, growth: 2), [4, 4, 2])?.hasPrefix("batch_norm")
        == true)
  }

  @Test func shapesBroadcastInProductsAlone() throws {
    let gate = Sequential(GlobalAvgPool2d())
    #expect(try BranchProduct([gate, Sequential([])]).outputShape(for: [4, 5, 3]) == [4, 5, 3])
    #expect(throws: TensorError.self) {
      try BranchSum([gate, Sequential([])]).outputShape(for: [4, 5, 3])
    }
  }

  @Test func integersBecomeOneHot() throws {
    for precision in [DType.float64, .float32] {
      let context = Context(precision: precision)
      let x = try Tensor.labels([2, 0, 1, 1], shape: [2, 2], context: context)
      let layer = OneHot(classes: 3)
      let y = try layer(x)
      #expect(y.shape == [2, 2, 3] && y.dtype == precision)
      #expect(y.doubles == [0, 0, 1, 1, 0, 0, 0, 1, 0, 0, 1, 0])
      #expect(try layer.outputShape(for: [2]) == [2, 3])
      #expect(layer.inputDomain == .indices(count: 3))
      let outside = try Tensor.labels([3], shape: [1], context: context)
      #expect(throws: TensorError.self) { try layer(outside) }
      #expect(throws: TensorError.self) { try layer(y) }
    }
  }

  /// A rank without rows takes part with tensors of no elements.
  @Test func aRankMayHaveNoRows() throws {
    let context = Context(precision: .float64)
    let network = Sequential(
      Concat([
        Sequential(Conv2d(inputChannels: 3, outputChannels: 2, kernelSize: 1)), Sequential([]),
      ]),
      BranchSum([Sequential([]), Sequential(Tanh())]),
      BranchProduct([Sequential([]), Sequential(GlobalAvgPool2d())]), Tokens(),
      ClassToken(features: 5), LearnedPositions(length: 5, features: 5), Select())
    let arena = try ParameterArena(network, context: context)
    let x = try Tensor.zeros([0, 2, 2, 3], dtype: .float64, context: context).requiringGradient()
    let y = try context.recording { try network(x) }
    #expect(y.shape == [0, 5])
    arena.resetGradients()
    try context.backward(from: y, gradient: .zeros(y.shape, dtype: .float64, context: context))
    arena.completeGradients()
    for parameter in arena.parameters {
      #expect(try parameter.value.gradient?.doubles.allSatisfy { $0 == 0 } == true)
    }
  }

  /// Dropout goes by the path of its layer, so that branches draw masks of their own.
  @Test func branchesDrawTheirOwnMasks() throws {
    let context = Context(precision: .float64, seed: 3)
    context.isTraining = true
    let layer = Concat([Sequential(Dropout(p: 0.5)), Sequential(Dropout(p: 0.5))])
    _ = try ParameterArena(layer, context: context)
    let x = try Tensor.full([1, 64], 1, dtype: .float64, context: context)
    let y = try layer(x).doubles
    #expect(y[..<64] != y[64...])
    context.isTraining = false
    #expect(try layer(x).doubles.allSatisfy { $0 == 1 })
  }
}
