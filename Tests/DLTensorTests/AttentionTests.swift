import DLTensor
import DLTestSupport
import Testing

/// Attention against its decomposition, and where masks leave nothing.
@Suite struct AttentionTests {
  /// One setting: extents, and a mask made for them.
  struct Setting: CustomStringConvertible, Sendable {
    let description: String
    let batch: Int, heads: Int, queries: Int, keys: Int, width: Int
    var isCausal = false
    var window: Int?
    var offset = 0
    var lengths: [Int32]?
    var hasAllowed = false
    var hasBias = false
    var dropout = 0.0

    func mask(_ context: Context) throws -> AttentionMask {
      var stream = RandomStream(RandomKey(11).child(description))
      let extents: Shape = [queries, keys]
      return AttentionMask(
        allowed: hasAllowed
          ? try .mask(
            (0..<extents.count).map { _ in stream.upTo(3) > 0 }, shape: extents, context: context)
          : nil,
        bias: hasBias
          ? try .values(
            (0..<heads * extents.count).map { _ in stream.normal() },
            shape: [heads, queries, keys], context: context
          ).requiringGradient() : nil,
        lengths: try lengths.map { try .labels($0, context: context) },
        isCausal: isCausal, window: window, queryOffset: offset)
    }
  }

  static let settings = [
    Setting(description: "plain", batch: 2, heads: 3, queries: 5, keys: 7, width: 4),
    Setting(
      description: "GPT", batch: 3, heads: 4, queries: 64, keys: 64, width: 8, isCausal: true),
    Setting(
      description: "blocks", batch: 2, heads: 2, queries: 150, keys: 150, width: 3, isCausal: true,
      window: 40, lengths: [150, 97]),
    Setting(
      description: "window", batch: 1, heads: 2, queries: 140, keys: 140, width: 3, window: 5),
    Setting(
      description: "cache", batch: 2, heads: 2, queries: 3, keys: 80, width: 4, isCausal: true,
      window: 30, offset: 77),
    Setting(
      description: "all", batch: 2, heads: 2, queries: 6, keys: 6, width: 4, isCausal: true,
      lengths: [6, 3], hasAllowed: true, hasBias: true, dropout: 0.4),
    Setting(
      description: "dropout", batch: 3, heads: 2, queries: 5, keys: 3, width: 4, dropout: 0.3),
    Setting(
      description: "blocks of odd rows", batch: 2, heads: 2, queries: 131, keys: 67, width: 5,
      hasAllowed: true, hasBias: true, dropout: 0.2),
    Setting(description: "no queries", batch: 2, heads: 2, queries: 0, keys: 3, width: 4),
    Setting(description: "no keys", batch: 2, heads: 2, queries: 3, keys: 0, width: 4),
    Setting(description: "no rows", batch: 0, heads: 2, queries: 3, keys: 3, width: 4),
    Setting(description: "no features", batch: 1, heads: 2, queries: 3, keys: 3, width: 0),
  ]

  @Test(arguments: settings, [DType.float64, .float32])
  func equalsItsDecomposition(setting: Setting, dtype: DType) throws {
    Engine.current.select()
    let context = Context(precision: dtype)
    context.rowOffset = 5
    let key = RandomKey(3)
    let (b, h, width) = (setting.batch, setting.heads, setting.width)
    func run(_ attend: (Tensor, Tensor, Tensor, AttentionMask) throws -> Tensor) throws
      -> [[Double]]
    {
      var stream = RandomStream(RandomKey(5))
      func draw(_ shape: Shape) throws -> Tensor {
        try .values((0..<shape.count).map { _ in stream.normal() }, shape: shape, context: context)
      }
      let inputs = try [
        draw([b, h, setting.queries, width]), draw([b, h, setting.keys, width]),
        draw([b, h, setting.keys, 2]),
      ]
      for input in inputs { input.requiringGradient() }
      let mask = try setting.mask(context)
      let y = try context.recording { try attend(inputs[0], inputs[1], inputs[2], mask) }
      try context.backward(from: y, gradient: draw(y.shape))
      let gradients = try (inputs + [mask.bias].compactMap(\.self)).map {
        try #require($0.gradient).doubles
      }
      return [y.doubles] + gradients
    }
    let fused = try run { q, k, v, mask in
      try q.scaledDotProductAttention(
        k, v, mask: mask, scale: 0.7, dropout: (setting.dropout, key))
    }
    let parts = try run { q, k, v, mask in
      let scores = try q.matmul(k.permute(0, 1, 3, 2)) * 0.7
      return try scores.maskedSoftmax(mask).dropout(setting.dropout, key: key).matmul(v)
    }
    // Weights that backward computes again are those that it would have kept.
    let recomputed = try run { q, k, v, mask in
      try Tensor.attention(
        AttentionInput(q), AttentionInput(k), AttentionInput(v), mask: mask, scale: 0.7,
        dropout: (setting.dropout, key), keptBytes: 0)
    }
    #expect(recomputed == fused, "\(setting)")
    let tolerance = dtype == .float64 ? 1e-12 : 1e-4
    for (a, b) in compared(fused, parts) {
      let isEmpty = [setting.batch, setting.queries, setting.keys, setting.width].contains(0)
      let worst = deviation(a, b, allowsNone: isEmpty) { 1 + abs($0) }
      #expect(worst <= tolerance, "\(setting)")
    }
  }

  /// The mask itself against infinities added to the scores.
  @Test func maskEqualsInfinities() throws {
    let context = Context(precision: .float64)
    var stream = RandomStream(RandomKey(6))
    let scores = try Tensor.values(
      (0..<2 * 3 * 6 * 7).map { _ in stream.normal() }, shape: [2, 3, 6, 7], context: context)
    for (isCausal, window, lengths) in [
      (true, nil, nil), (false, 2, nil), (true, 1, nil), (false, nil, [7, 2]), (true, 3, [6, 4]),
    ] as [(Bool, Int?, [Int32]?)] {
      let mask = AttentionMask(
        lengths: try lengths.map { try .labels($0, context: context) }, isCausal: isCausal,
        window: window)
      var added = [Double](repeating: 0, count: scores.count)
      for index in added.indices {
        let (row, query, key) = (index / (3 * 6 * 7), index / 7 % 6, index % 7)
        let isSeen =
          (!isCausal || key <= query) && abs(key - query) <= window ?? 99
          && key < lengths?[row] ?? 99
        if !isSeen { added[index] = -.infinity }
      }
      let want = try (scores + .values(added, shape: scores.shape, context: context)).softmax()
      let got = try scores.maskedSoftmax(mask)
      // A row that sees nothing has no softmax: the masked one is 0 there.
      let defined = want.doubles.map { $0.isNaN ? 0 : $0 }
      #expect(want.doubles.contains { !$0.isNaN })
      #expect(deviation(got.doubles, defined) < 1e-14)
    }
  }

  /// Heads side by side in one projection, as against heads in front.
  @Test func headsMayLieAnywhere() throws {
    Engine.current.select()
    let context = Context(precision: .float64)
    let (batch, time, heads, width) = (2, 9, 3, 4)
    var stream = RandomStream(RandomKey(8))
    let values = (0..<batch * time * 3 * heads * width).map { _ in stream.normal() }
    let shape: Shape = [batch, time, 3 * heads * width]
    let packed = try Tensor.values(values, shape: shape, context: context).requiringGradient()
    let apart = try Tensor.values(values, shape: shape, context: context).requiringGradient()
    let (a, b) = try context.recording {
      let parts = try apart.reshape([batch, time, 3, heads, width]).permute(2, 0, 3, 1, 4)
      let qkv = try (0..<3).map {
        try parts.rows($0..<$0 + 1).reshape([batch, heads, time, width])
      }
      return (
        try Tensor.attention(
          AttentionInput(packed, heads: heads, part: 0, of: 3),
          AttentionInput(packed, heads: heads, part: 1, of: 3),
          AttentionInput(packed, heads: heads, part: 2, of: 3), mask: .causal),
        try qkv[0].scaledDotProductAttention(qkv[1], qkv[2], mask: .causal)
          .permute(0, 2, 1, 3).reshape([batch, time, heads * width])
      )
    }
    #expect(a.shape == b.shape && deviation(a.doubles, b.doubles) { _ in 1 } < 1e-14)
    let upstream = (0..<a.count).map { _ in stream.normal() }
    let sum = try context.recording {
      try (a + b) * .values(upstream, shape: a.shape, context: context)
    }
    try context.backward(
      from: sum, gradient: .full(sum.shape, 1, dtype: .float64, context: context))
    let (left, right) = (try #require(packed.gradient), try #require(apart.gradient))
    #expect(deviation(left.doubles, right.doubles) { _ in 1 } < 1e-13)
  }

  /// One tensor as query, key and value, without a projection.
  @Test func gradientsOfOneInputThreeTimes() throws {
    try checkGradients("attention of itself", [[2, 2, 5, 3]]) {
      try $0[0].scaledDotProductAttention($0[0], $0[0], mask: .causal)
    }
    try checkGradients("rotary", [[2, 3, 2, 4], [2, 3, 2, 4]]) {
      try $0[0].rotary(offset: 2) * $0[1].rotary(RotaryPositions(.half))
    }
  }

  @Test(arguments: [DType.float64, .float32])
  func nothingSeenGivesZeros(dtype: DType) throws {
    let context = Context(precision: dtype)
    let masks = try [
      AttentionMask(lengths: .labels([0, 0], context: context)),
      AttentionMask(allowed: .mask([false], shape: [1], context: context)),
      AttentionMask(bias: .full([4, 5], -.infinity, context: context)),
    ]
    for mask in masks {
      var stream = RandomStream(RandomKey(9))
      let inputs = try [[2, 2, 4, 3], [2, 2, 5, 3], [2, 2, 5, 3]].map { (shape: Shape) in
        try Tensor.values(
          (0..<shape.count).map { _ in stream.normal() * 1e4 }, shape: shape, context: context
        ).requiringGradient()
      }
      let y = try context.recording {
        try inputs[0].scaledDotProductAttention(inputs[1], inputs[2], mask: mask)
      }
      #expect(y.doubles.allSatisfy { $0 == 0 })
      try context.backward(from: y, gradient: .full(y.shape, 1, context: context))
      for input in inputs { #expect(try #require(input.gradient).doubles.allSatisfy { $0 == 0 }) }
    }
  }

  @Test func largeScoresAndNaN() throws {
    let context = Context(precision: .float32)
    let scores = try Tensor.values(
      [1e4, -1e4, 0, 1e4, 1e4, 1e4, .nan, 0, 0], shape: [1, 3, 3], context: context)
    let y = try scores.maskedSoftmax(AttentionMask()).doubles
    #expect(Array(y[..<3]) == [1, 0, 0])
    #expect(y[3..<6].allSatisfy { abs($0 - 1.0 / 3) < 1e-6 })
    #expect(y[6...].allSatisfy { $0.isNaN })
    let alone = try Tensor.values([.nan], shape: [1, 1, 1], context: context)
    #expect(try alone.maskedSoftmax(AttentionMask()).doubles[0].isNaN)
  }

  /// Each row by itself gives the bits that it gives in a batch, dropout included.
  @Test func rowsDoNotDependOnTheBatch() throws {
    Engine.current.select()
    let context = Context(precision: .float32)
    var stream = RandomStream(RandomKey(10))
    let values = (0..<4 * 6 * 24).map { _ in stream.normal() }
    func attend(_ rows: Range<Int>) throws -> [Double] {
      context.rowOffset = rows.lowerBound
      let x = try Tensor.values(
        Array(values[rows.lowerBound * 144..<rows.upperBound * 144]), shape: [rows.count, 6, 24],
        context: context)
      return try Tensor.attention(
        AttentionInput(x, heads: 2, part: 0, of: 3), AttentionInput(x, heads: 2, part: 1, of: 3),
        AttentionInput(x, heads: 2, part: 2, of: 3), mask: .causal, dropout: (0.5, RandomKey(1))
      ).doubles
    }
    #expect(try attend(0..<4) == attend(0..<1) + attend(1..<4))
  }

  @Test func errorsNameShapes() throws {
    let context = Context(precision: .float32)
    func zeros(_ shape: Shape, _ dtype: DType = .float32) throws -> Tensor {
      try Tensor.zeros(shape, dtype: dtype, context: context)
    }
    let (q, k) = (try zeros([2, 3, 4, 5]), try zeros([2, 3, 6, 5]))
    expect("attention: input has shape [2, 3], expected [batch, heads, time, head_dim]") {
      try q.scaledDotProductAttention(zeros([2, 3]), k)
    }
    expect(
      "attention: query, key and value [2, 3, 4, 5], [2, 3, 6, 4] and [2, 3, 6, 5] do not fit; "
        + "expected [batch, heads, queries, width], [batch, heads, keys, width] and "
        + "[batch, heads, keys, any]"
    ) { try q.scaledDotProductAttention(zeros([2, 3, 6, 4]), k) }
    expect(
      "attention: input has shape [2, 3, 10], expected [batch, time, features] with features in "
        + "4 heads"
    ) { try AttentionInput(zeros([2, 3, 10]), heads: 4) }
    expect(
      "attention: allowed is uint8 [4, 5], expected uint8 that broadcasts to "
        + "[batch, heads, queries, keys] = [2, 3, 4, 6]"
    ) {
      try q.scaledDotProductAttention(k, k, mask: AttentionMask(allowed: zeros([4, 5], .uint8)))
    }
    expect(
      "attention: bias is float64 [4, 6], expected float32 that broadcasts to "
        + "[batch, heads, queries, keys] = [2, 3, 4, 6]"
    ) {
      try q.scaledDotProductAttention(k, k, mask: AttentionMask(bias: zeros([4, 6], .float64)))
    }
    expect("attention: length 7 of row 1 is not in 0 ... 6") {
      try q.scaledDotProductAttention(
        k, k, mask: AttentionMask(lengths: .labels([6, 7], context: context)))
    }
    expect("attention: lengths are int32 [1], expected int32 [2]") {
      try q.scaledDotProductAttention(
        k, k, mask: AttentionMask(lengths: .labels([6], context: context)))
    }
    expect("attention: window -1 and query offset 0 do not count keys") {
      try q.scaledDotProductAttention(k, k, mask: AttentionMask(window: -1))
    }
    expect("attention: dropout is 1.0, expected 0 <= p < 1") {
      try q.scaledDotProductAttention(k, k, dropout: (1, RandomKey(1)))
    }
    expect(
      "positions: 3 positions from 2 do not fit a table of 4; use a shorter text or a longer table"
    ) { try zeros([1, 3, 2]).addingPositions(zeros([4, 2]), offset: 2) }
    #expect(throws: TensorError.self) {
      try zeros([1, 3, 2]).addingPositions(zeros([4, 2]), offset: .max)
    }
    #expect(throws: TensorError.self) { try q.rotary(RotaryPositions(width: 6)) }
    #expect(throws: TensorError.self) { try q.rotary(turned: 9) }
    #expect(throws: TensorError.self) { try zeros([2, 3]).rotary() }
    #expect(throws: TensorError.self) {
      try q.scaledDotProductAttention(k, k, mask: AttentionMask(queryOffset: .max))
    }
    #expect(throws: Never.self) {
      try q.scaledDotProductAttention(
        k, k, mask: AttentionMask(isCausal: true, window: .max, queryOffset: Int(Int32.max)))
    }
  }
}
