import DLLayers
import DLTensor
import DLTestSupport
import DLTraining
import Testing

/// The times of ops, beside what layers say of themselves.
@Suite struct ProfileTests {
  /// The products of each layer are those that it says it adds up, and each pass calls it once.
  @Test func productsAreThoseOfTheLayers() throws {
    let context = Context(precision: .float64)
    let network = Sequential(
      Conv2d(inputChannels: 3, outputChannels: 4, kernelSize: 3, stride: 2, padding: 1),
      ReLU(), Flatten(), Linear(inputFeatures: 4 * 16, outputFeatures: 6))
    _ = try ParameterArena(network, context: context)
    let x = try Tensor.full([5, 8, 8, 3], 0.5, dtype: .float64, context: context)
    let trace = try LayerTrace.of(context) { _ = try network(x) }
    let profile = OpProfile()
    context.profile = profile
    for _ in 0..<2 {
      context.beginForward(rowOffset: 0)
      let loss = try context.recording { try network(x).sum() }
      try context.backward(loss)
    }
    for (path, op) in [("0", "conv2d"), ("3", "linear")] {
      let row = try #require(profile.rows.first { $0.layer == path && $0.op == op })
      let step = try #require(trace.steps.first { $0.layer.path == path })
      #expect(row.forward.calls == 2 && row.backward.calls == 2)
      #expect(row.forward.multiplyAdds == 2 * step.multiplyAdds)
      // The first layer's input takes no gradient: there is one product where others have two.
      #expect(row.backward.multiplyAdds == (path == "0" ? 1 : 2) * row.forward.multiplyAdds)
      #expect(row.forward.nanoseconds > 0 && row.backward.nanoseconds > 0)
    }
    let sum = try #require(profile.rows.first { $0.op == "sum" })
    #expect(sum.layer.isEmpty && sum.forward.bytes == 2 * 8 * (5 * 6 + 1))
    profile.restart()
    #expect(profile.rows.isEmpty)
  }

  @Test func recurrentLayersAndAttentionKnowTheirProducts() throws {
    let context = Context()
    let network = Sequential(
      Linear(inputFeatures: 4, outputFeatures: 4),
      LSTM(inputSize: 4, hiddenSize: 6, layers: 2), Linear(inputFeatures: 6, outputFeatures: 8),
      MultiHeadAttention(features: 8, heads: 2))
    _ = try ParameterArena(network, context: context)
    let x = try Tensor.full([3, 7, 4], 0.5, dtype: .float32, context: context)
    let profile = OpProfile()
    context.profile = profile
    context.beginForward(rowOffset: 0)
    _ = try context.recording { try network(x) }
    let lstm = try #require(profile.rows.first { $0.op == "lstm" })
    // Four gates over input and state, in each layer, step and row.
    #expect(lstm.layer == "1" && lstm.forward.calls == 2)
    #expect(lstm.forward.multiplyAdds == 3 * 7 * 24 * ((4 + 6) + (6 + 6)))
    let attention = try #require(profile.rows.first { $0.op == "attention" })
    // Scores and values: two products of 7 x 7 x 4 in each row and head.
    #expect(attention.layer == "3" && attention.forward.multiplyAdds == 3 * 2 * 2 * 7 * 7 * 4)
  }

  /// What is left out counts for no op.
  @Test func timeThatIsLeftOutCountsForNothing() throws {
    let context = Context()
    let x = try Tensor.full([4], 0.5, dtype: .float32, context: context)
    let profile = OpProfile()
    context.profile = profile
    context.beginForward(rowOffset: 0)
    profile.leaveOut(nanoseconds: 3_600_000_000_000)
    _ = try context.recording { try x.relu() }
    let row = try #require(profile.rows.first)
    #expect(row.forward.nanoseconds < 0)
  }

  /// Timing changes no bit, and the parts of a run are no more than the run.
  @Test func aTimedRunIsTheSameRun() throws {
    let bench = try Workbench()
    let plain = try train(bench.configuration(["steps=5"]), bench.options("plain"), ranks: 2)
    let timed = try train(
      bench.configuration(["steps=5"]), bench.options("timed") { $0.profiles = true }, ranks: 2)
    #expect(plain[0].parameters == timed[0].parameters && plain[0].losses == timed[0].losses)
  }
}
