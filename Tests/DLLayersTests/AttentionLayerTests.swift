import DLCluster
import DLLayers
import DLTensor
import DLTestSupport
import Testing

/// Generation with caches, ties and frozen tables, and what attention layers refuse.
@Suite struct AttentionLayerTests {
  private let context: Context

  init() {
    Engine.current.select()
    context = Context(precision: .float64, seed: 4)
  }

  private func draw(_ name: String, _ shape: Shape) throws -> Tensor {
    var stream = RandomStream(RandomKey(12).child(name))
    return try .values(
      (0..<shape.count).map { _ in stream.normal() }, shape: shape, context: context)
  }

  /// Positions `range` of every text.
  private func steps(_ x: Tensor, _ range: Range<Int>) throws -> Tensor {
    try x.permute(1, 0, 2).rows(range).permute(1, 0, 2)
  }

  private func isClose(_ a: Tensor, _ b: Tensor) -> Bool {
    a.shape == b.shape && deviation(a.doubles, b.doubles) { _ in 1 } < 1e-12
  }

  @Test func cachedAttentionEqualsTheFullPass() throws {
    let options: [(Int?, RotaryPositions)] = [
      (nil, RotaryPositions(.none)), (3, RotaryPositions(.none)), (nil, RotaryPositions()),
      (5, RotaryPositions(.half)),
    ]
    for (window, rotary) in options {
      let layer = MultiHeadAttention(
        features: 8, heads: 2, isCausal: true, window: window, rotary: rotary)
      _ = try ParameterArena(layer, context: context)
      let x = try draw("x", [3, 40, 8])
      let full = try layer(x)
      let cache = KeyValueCache()
      for range in [0..<1, 1..<2, 2..<7, 7..<8, 8..<39, 39..<40] {
        let part = try layer(steps(x, range), mask: AttentionMask(), cache: cache)
        #expect(try isClose(part, steps(full, range)), "\(range) window \(window ?? -1)")
      }
      #expect(cache.length == 40)
      cache.truncate(to: 10)
      let again = try layer(steps(x, 10..<12), mask: AttentionMask(), cache: cache)
      #expect(try isClose(again, steps(full, 10..<12)))
    }
  }

  @Test func cachedStacksEqualTheFullPass() throws {
    let options = TransformerOptions(
      heads: 2, feedForward: 12, dropout: 0.1, activation: .gelu, normFirst: true)
    var causal = options
    causal.scope.causal = true
    let gpt = TransformerEncoder(layers: 2, features: 8, causal)
    let decoder = TransformerDecoder(layers: 2, features: 8, options)
    _ = (
      try ParameterArena(gpt, context: context), try ParameterArena(decoder, context: context)
    )
    let (x, memory) = (try draw("x", [2, 9, 8]), try draw("memory", [2, 5, 8]))
    let memoryMask = AttentionMask(lengths: try .labels([5, 3], context: context))
    let full = try gpt(x)
    let translated = try decoder(x, memory: memory, memoryMask: memoryMask)
    let (cache, other) = (TransformerCache(layers: 2), TransformerCache(layers: 2))
    for step in 0..<9 {
      let now = try steps(x, step..<step + 1)
      #expect(
        try isClose(
          gpt(now, mask: AttentionMask(), cache: cache), steps(full, step..<step + 1)))
      #expect(
        try isClose(
          decoder(now, memory: memory, memoryMask: memoryMask, cache: other),
          steps(translated, step..<step + 1)))
      #expect(cache.length == step + 1)
    }
  }

  /// A beam search keeps some texts twice and drops others.
  @Test func cachesFollowTheirTexts() throws {
    let decoder = TransformerDecoder(
      layers: 2, features: 8, TransformerOptions(heads: 2, feedForward: 12, dropout: 0))
    _ = try ParameterArena(decoder, context: context)
    let (x, memory) = (try draw("x", [3, 4, 8]), try draw("memory", [3, 5, 8]))
    let cache = TransformerCache(layers: 2)
    _ = try decoder(steps(x, 0..<3), memory: memory, cache: cache)
    try cache.select([2, 0, 0, 1])
    func select(_ t: Tensor) throws -> Tensor {
      let rows = try [2, 0, 0, 1].flatMap { try t.rows($0..<$0 + 1).doubles }
      return try .values(
        rows, shape: Shape([4] + t.shape.dimensions.dropFirst()), context: context)
    }
    let next = try decoder(
      select(steps(x, 3..<4)), memory: select(memory), cache: cache)
    let full = try decoder(select(x), memory: select(memory))
    #expect(try isClose(next, steps(full, 3..<4)))
    #expect(throws: TensorError.self) { try cache.select([4]) }
    #expect(throws: TensorError.self) {
      try decoder(steps(x, 3..<4), memory: memory, cache: cache)
    }
    cache.reset()
    #expect(cache.length == 0)
    #expect(throws: TensorError.self) {
      try context.recording { try decoder(x.requiringGradient(), memory: memory, cache: cache) }
    }
  }

  @Test func dropoutFollowsTheCallAndTheMode() throws {
    let layer = MultiHeadAttention(features: 8, heads: 2, dropout: 0.5)
    _ = try ParameterArena(layer, context: context)
    let x = try draw("x", [2, 6, 8])
    let without = try layer(x).doubles
    context.isTraining = true
    context.beginForward(rowOffset: 0)
    let (first, second) = (try layer(x).doubles, try layer(x).doubles)
    #expect(first != without && first != second)
    context.beginForward(rowOffset: 0)
    #expect(try layer(x).doubles == first)
    context.isTraining = false
    #expect(try layer(x).doubles == without)
  }

  @Test func positionsStartAnywhere() throws {
    let x = try draw("x", [2, 6, 8])
    let learned = LearnedPositions(length: 6, features: 8)
    _ = try ParameterArena(learned, context: context)
    for layer in [SinusoidalPositions(), learned] as [PositionalLayer] {
      let full = try layer(x)
      for range in [0..<2, 5..<6, 1..<6] {
        #expect(
          try isClose(layer(steps(x, range), offset: range.lowerBound), steps(full, range)))
      }
    }
    #expect(throws: TensorError.self) { try learned(x, offset: 1) }
    #expect(throws: TensorError.self) { try learned.outputShape(for: [7, 8]) }
  }

  @Test func startsAsPyTorchDoes() throws {
    let table = Embedding(count: 500, features: 20, paddingIndex: -2)
    let attention = MultiHeadAttention(features: 64, heads: 4)
    let arenas = try [table, attention].map { try ParameterArena($0, context: context) }
    #expect(table.paddingIndex == 498)
    let values = try table.weight.value.doubles
    #expect(values[498 * 20..<499 * 20].allSatisfy { $0 == 0 })
    #expect(abs(values.reduce(0) { $0 + $1 * $1 } / 10_000 - 1) < 0.05)
    #expect(
      arenas[1].parameters.map(\.name) == [
        "in_proj_weight", "in_proj_bias", "out_proj.weight", "out_proj.bias",
      ])
    let bound = (6.0 / (64 + 192)).squareRoot()
    let weight = try #require(attention.inProjWeight).value.doubles
    #expect(weight.allSatisfy { abs($0) <= bound } && (weight.max() ?? 0) > 0.98 * bound)
    #expect(try attention.outProj.bias?.value.doubles.allSatisfy { $0 == 0 } == true)
  }

  @Test func frozenTablesGetNoGradient() throws {
    let table = Embedding(count: 5, features: 3, isFrozen: true)
    let arena = try ParameterArena(table, context: context)
    arena.parameters[0].requiresGradient = true
    #expect(!arena.parameters[0].requiresGradient)
    let y = try context.recording { try table(.labels([1, 2], context: context)) }
    #expect(!y.requiresGradient)
  }

  /// Training changes the rows that any rank looks up, in every rank's table; evaluation changes
  /// none, and sees them shortened all the same.
  @Test func maxNormHoldsOnEveryRank() throws {
    let results = try ThreadGroup.run(ranks: 3) { communicator in
      let context = Context(communicator: communicator, precision: .float64, seed: 2)
      let table = Embedding(count: 6, features: 4, maxNorm: 0.5)
      let arena = try ParameterArena(table, context: context)
      let before = try arena.parameters[0].value.doubles
      let rows: [[Int32]] = [[0, 2], [], [2, 5]]
      let indices = try Tensor.labels(rows[communicator.rank], context: context)
      let shown = try table(indices).doubles
      let untouched = try arena.parameters[0].value.doubles == before
      context.isTraining = true
      let trained = try table(indices).doubles
      let isSame =
        deviation(shown, trained, allowsNone: rows[communicator.rank].isEmpty) { _ in 1 } < 1e-12
      return (before, untouched && isSame, try arena.parameters[0].value.doubles)
    }
    for (before, isSame, after) in results {
      #expect(isSame && after == results[0].2)
      for row in 0..<6 {
        let norm = after[row * 4..<row * 4 + 4].reduce(0) { $0 + $1 * $1 }.squareRoot()
        if [0, 2, 5].contains(row) {
          #expect(norm <= 0.5)
        } else {
          #expect(after[row * 4..<row * 4 + 4] == before[row * 4..<row * 4 + 4])
        }
      }
    }
  }

  @Test func errorsSayWhatDoesNotFit() throws {
    let layer = TransformerEncoderLayer(features: 6, TransformerOptions(heads: 4, feedForward: 8))
    _ = try ParameterArena(layer, context: context)
    expect("self_attn: multi_head_attention: 6 features do not divide into 4 heads") {
      try layer(draw("x", [1, 2, 6]))
    }
    let attention = MultiHeadAttention(features: 6, heads: 2)
    _ = try ParameterArena(attention, context: context)
    expect("multi_head_attention: input has shape [2, 6], expected [batch, time, features]") {
      try attention(draw("x", [2, 6]))
    }
    expect("linear: input has shape [1, 2, 5], weight [18, 6] expects [..., in]") {
      try attention(draw("x", [1, 2, 5]))
    }
    expect("multi_head_attention: input has shape [3, 5], expected [time, 6]") {
      try attention.outputShape(for: [3, 5])
    }
    let other = MultiHeadAttention(features: 6, heads: 2, keySize: 4)
    _ = try ParameterArena(other, context: context)
    expect(
      "multi_head_attention: keys or values have another size than queries; give them as texts of "
        + "their own"
    ) { try other(draw("x", [1, 2, 6])) }
    let stack = TransformerEncoder(layers: 2, features: 6, TransformerOptions(heads: 2))
    expect("transformer: 2 layers, the cache has 3") {
      try stack(draw("x", [1, 2, 6]), mask: AttentionMask(), cache: TransformerCache(layers: 3))
    }
  }

  @Test func emptyBatchesAndSingleSteps() throws {
    let encoder = TransformerEncoder(
      layers: 1, features: 8, TransformerOptions(heads: 2, feedForward: 4))
    let arena = try ParameterArena(encoder, context: context)
    context.isTraining = true
    for shape: Shape in [[0, 3, 8], [1, 1, 8], [2, 0, 8]] {
      let x = try draw("x", shape).requiringGradient()
      arena.resetGradients()
      let y = try context.recording { try encoder(x) }
      #expect(y.shape == shape)
      try context.backward(from: y, gradient: .full(shape, 1, context: context))
      arena.completeGradients()
      for parameter in arena.parameters {
        #expect(try #require(parameter.value.gradient).doubles.allSatisfy { $0.isFinite })
      }
    }
  }
}
