import DLLayers
import DLModels
import DLTensor
import DLTestSupport
import Testing

/// Gradients of what translation models add to the recurrence and to attention, against central
/// differences in float64.
@Suite struct TranslationGradientTests {
  private static let vocabulary = 9
  private let context = Context(precision: .float64)

  @Test func copying() throws {
    for attention in [RecurrentTranslationOptions.Attention.dot, .additive] {
      try checkRecurrent { ($0.copy, $0.attention) = (true, attention) }
    }
  }

  @Test func attentionWithoutSoftmax() throws { try checkRecurrent { $0.attention = .relu } }

  @Test func guidedAttention() throws {
    try checkRecurrent { ($0.guided, $0.guidedWidth) = (2, 0.3) }
  }

  @Test func allTokensAtOnce() throws {
    for inputs in [NonAutoregressiveOptions.Inputs.copy, .positions] {
      var options = NonAutoregressiveOptions()
      (options.layers, options.width, options.heads, options.feedForward) = (1, 4, 2, 5)
      (options.dropout, options.reach, options.inputs) = (0, 2, inputs)
      let model = NonAutoregressiveTransformer(vocabulary: Self.vocabulary, options)
      try check(model) { memory, lengths, target in
        let logits = try model.decode(target, memory: memory, lengths: lengths, cache: nil)
        return try .concat([
          logits.reshape([logits.count]),
          model.lengthLogits(memory, lengths: lengths).reshape([10]),
        ])
      }
    }
  }

  /// What a token's probability adds up to, copied or not, is 1.
  @Test func copyingIsADistribution() throws {
    var options = RecurrentTranslationOptions()
    (options.width, options.copy) = (4, true)
    let model = RecurrentTranslation(vocabulary: Self.vocabulary, options)
    _ = try ParameterArena(model, context: context)
    context.isTraining = false
    let (source, lengths, target) = try texts()
    let memory = try model.encode(source, lengths: lengths)
    let logits = try model.decode(target, memory: memory, lengths: lengths, cache: nil)
    let sums = try logits.exp().sum(axis: 2).doubles
    #expect(sums.count == 6 && sums.allSatisfy { abs($0 - 1) < 1e-9 })
  }

  private func texts() throws -> (source: Tensor, lengths: Tensor, target: Tensor) {
    (
      try .labels([4, 7, 4, 2, 5, 2, 0, 0], shape: [2, 4], context: context),
      try .labels([4, 2], context: context),
      try .labels([1, 4, 7, 1, 5, 0], shape: [2, 3], context: context)
    )
  }

  private func checkRecurrent(_ change: (inout RecurrentTranslationOptions) -> Void) throws {
    var options = RecurrentTranslationOptions()
    (options.width, options.dropout) = (3, 0)
    change(&options)
    let model = RecurrentTranslation(vocabulary: Self.vocabulary, options)
    try check(model) { memory, lengths, target in
      let (logits, attention) = try model.decodeWithAttention(
        target, memory: memory, lengths: lengths)
      guard let guide = model.guidedAttention, let attention else { return logits }
      let sum = try guide.sum(attention, sources: [4, 2], targets: [3, 2])
      return try .concat([logits.reshape([logits.count]), sum.reshape([1])])
    }
  }

  /// Compares the gradients of all parameters along a direction each.
  private func check(
    _ model: any SequenceToSequence, _ output: (Tensor, Tensor, Tensor) throws -> Tensor
  ) throws {
    Engine.current.select()
    context.isTraining = true
    let arena = try ParameterArena(model, context: context)
    var stream = RandomStream(RandomKey(5))
    func draw(_ count: Int) -> [Double] { (0..<count).map { _ in stream.normal() } }
    for parameter in arena.parameters {
      try parameter.value.assign(draw(parameter.shape.count).map { 0.5 * $0 })
    }
    let (source, lengths, target) = try texts()
    func run() throws -> Tensor {
      try output(model.encode(source, lengths: lengths), lengths, target)
    }
    let y = try context.recording { try run() }
    let cotangent = draw(y.count)
    arena.resetGradients()
    try context.backward(
      from: y, gradient: .values(cotangent, shape: y.shape, context: context))
    let isFinite = y.doubles.allSatisfy(\.isFinite)
    #expect(isFinite)
    for parameter in arena.parameters {
      let (values, direction) = (try parameter.value.doubles, draw(parameter.shape.count))
      func along(_ h: Double) throws -> Double {
        try parameter.value.assign(zipped(values, direction).map { $0 + h * $1 })
        defer { try? parameter.value.assign(values) }
        return try zipped(run().doubles, cotangent).reduce(0) { $0 + $1.0 * $1.1 }
      }
      let h = 1e-4
      let want = (8 * (try along(h) - along(-h)) - (try along(2 * h) - along(-2 * h))) / (12 * h)
      let gradient = try #require(parameter.value.gradient).doubles
      let got = zipped(gradient, direction).reduce(0) { $0 + $1.0 * $1.1 }
      #expect(abs(got - want) <= 1e-7 * max(1, abs(want)), "\(parameter.name): \(got), not \(want)")
    }
  }
}
