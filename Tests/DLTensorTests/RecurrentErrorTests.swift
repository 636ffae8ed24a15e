import DLTensor
import DLTestSupport
import Testing

/// Recurrent networks and CTC on shapes and values that do not fit.
@Suite struct RecurrentErrorTests {
  private let context = Context(precision: .float32)

  private func zeros(_ shape: Shape, _ dtype: DType = .float32) throws -> Tensor {
    try Tensor.zeros(shape, dtype: dtype, context: context)
  }

  private func weights(_ gates: Int, _ features: Int, _ hidden: Int) throws -> RecurrentWeights {
    RecurrentWeights(
      input: try zeros([gates * hidden, features]), hidden: try zeros([gates * hidden, hidden]))
  }

  @Test func recurrentNamesBothShapes() throws {
    let x = try zeros([2, 5, 3])
    let lstm = [[try weights(4, 3, 6)]]
    expect("gru: needs a layer, of one direction or two") { try x.recurrent(.gru, weights: []) }
    expect("gru: input has shape [2, 3], expected [batch, time, features]") {
      try zeros([2, 3]).recurrent(.gru, weights: [[weights(3, 3, 6)]])
    }
    expect("rnn: needs float32 or float64, got int32") {
      try zeros([2, 5, 3], .int32).recurrent(.tanh, weights: [[weights(1, 3, 6)]])
    }
    expect(
      "lstm: input of layer 0 is float32 with 4 features, weights float32 [24, 3] and [24, 6]; "
        + "expected [24, 4] and [24, 6]"
    ) { try zeros([2, 5, 4]).recurrent(.lstm, weights: lstm) }
    expect(
      "lstm: input of layer 1 is float32 with 6 features, weights float32 [24, 3] and [24, 6]; "
        + "expected [24, 6] and [24, 6]"
    ) { try x.recurrent(.lstm, weights: lstm + lstm) }
    expect("lstm: layer 1 has 2 directions, layer 0 1") {
      try x.recurrent(.lstm, weights: lstm + [[weights(4, 6, 6), weights(4, 6, 6)]])
    }
    expect("lstm: bias is float32 [6], weight expects float32 [24]") {
      try x.recurrent(
        .lstm,
        weights: [
          [
            RecurrentWeights(
              input: lstm[0][0].input, hidden: lstm[0][0].hidden, inputBias: zeros([6]))
          ]
        ])
    }
    expect("lstm: the state has no cell state") {
      try x.recurrent(.lstm, weights: lstm, state: RecurrentState(hidden: zeros([1, 2, 6])))
    }
    expect("lstm: input has shape [2, 5, 3], state float32 [2, 2, 6]; expected float32 [1, 2, 6]") {
      try x.recurrent(
        .lstm, weights: lstm,
        state: RecurrentState(hidden: zeros([2, 2, 6]), cell: zeros([1, 2, 6])))
    }
    expect("lstm: input has shape [2, 5, 3], lengths int32 [3]; expected int32 [2]") {
      try x.recurrent(.lstm, weights: lstm, lengths: zeros([3], .int32))
    }
    expect("lstm: length 6 of row 1 is not in 0 ... 5") {
      try x.recurrent(.lstm, weights: lstm, lengths: Tensor.labels([5, 6], context: context))
    }
    expect("lstm: dropout is 1.0, expected 0 <= p < 1") {
      try x.recurrent(.lstm, weights: lstm, dropout: (1, RandomKey(1)))
    }
    expect("lstm: input has shape [0, 9223372036854775807, 3], expected [batch, time, features]") {
      try zeros([0, Int.max, 3]).recurrent(.lstm, weights: lstm)
    }
  }

  @Test func ctcNamesBothShapes() throws {
    let x = try zeros([2, 5, 3])
    func labels(_ values: [Int32], _ shape: Shape? = nil) throws -> Tensor {
      try Tensor.labels(values, shape: shape, context: context)
    }
    expect(
      "ctc: input has shape [2, 5, 3], targets int32 [2]; expected [batch, time, classes] and "
        + "int32 [batch, labels]"
    ) { try x.ctcSum(targets: labels([1, 2])) }
    let targets = try labels([1, 2, 2, 1], [2, 2])
    expect("ctc: blank is 3, input has 3 classes") { try x.ctcSum(targets: targets, blank: 3) }
    expect("ctc: label 1 of row 0 is the blank") { try x.ctcSum(targets: targets, blank: 1) }
    expect("ctc: label 3 of row 1 is not in 0 ..< 3") {
      try x.ctcSum(targets: labels([1, 2, 2, 3], [2, 2]))
    }
    expect("ctc: length -1 of row 1 is not in 0 ... 5") {
      try x.ctcSum(targets: targets, inputLengths: labels([5, -1]))
    }
    expect("ctc: length 3 of row 0 is not in 0 ... 2") {
      try x.ctcSum(targets: targets, targetLengths: labels([3, 0]))
    }
  }

  /// Labels that do not fit: infinite as in PyTorch, or zeroed; logits of 1e4 stay finite.
  @Test func ctcAtItsBounds() throws {
    let x = try zeros([1, 2, 3]).logSoftmax().requiringGradient()
    let targets = try Tensor.labels([1, 1], shape: [1, 2], context: context)
    let infinite = try context.recording { try x.ctcSum(targets: targets) }
    #expect(infinite.scalar == .infinity)
    try context.backward(infinite)
    #expect(try #require(x.gradient).doubles.allSatisfy(\.isNaN))

    let zeroed = try zeros([1, 2, 3]).requiringGradient()
    let loss = try context.recording { try zeroed.ctcSum(targets: targets, zeroInfinity: true) }
    #expect(loss.scalar == 0)
    try context.backward(loss)
    #expect(try #require(zeroed.gradient).doubles.allSatisfy { $0 == 0 })

    let large = try Tensor.values(
      [1e4, -1e4, 0, -1e4, 1e4, 0], shape: [1, 2, 3], context: context
    ).requiringGradient()
    let far = try context.recording {
      try large.logSoftmax().ctcSum(targets: Tensor.labels([2], shape: [1, 1], context: context))
    }
    #expect(far.scalar == 1e4)
    try context.backward(far)
    #expect(try #require(large.gradient).doubles.allSatisfy(\.isFinite))
    #expect(try zeros([0, 4, 3]).ctcSum(targets: zeros([0, 2], .int32)).scalar == 0)
  }
}
