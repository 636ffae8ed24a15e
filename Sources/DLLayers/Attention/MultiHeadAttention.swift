import DLConfiguration
import DLTensor

/// Multi-head attention: every head attends with projections of its own, and the results, side by
/// side, are projected once more.
///
/// `y = concat(head₁, ...) · W_oᵀ + b_o`, `head = softmax(q kᵀ / √width + mask) v`. Shapes: queries
/// `[batch, time, size]`, keys and values `[batch, keys, keySize]` and `[batch, keys, valueSize]`,
/// the result `[batch, time, size]`. Weights start as PyTorch's: Xavier's uniform for the
/// projections, zero biases. Vaswani et al. 2017, section 3.2.2. Counterpart:
/// `torch.nn.MultiheadAttention(batch_first=True)`.
public final class MultiHeadAttention: BuiltInLayer {
  /// The options of ``MultiHeadAttention`` in `model.layers`.
  package struct Options: LayerSpec {
    package static var word: String { "multi_head_attention" }
    /// Heads, which divide the features.
    package var heads = 0
    /// True to add biases.
    package var bias = true
    /// The probability to zero a weight.
    package var dropout = 0.0
    /// The positions that each one sees.
    package var scope = AttentionScope()
    package init() {}
    package static var fields: [ConfigurationField<Self>] {
      [
        .init("heads", \.heads, .layerSize, required: true, "heads, which divide the features"),
        .init("bias", \.bias, "whether to add biases"),
        .init("dropout", \.dropout, .within(0..<1), "the probability to zero a weight"),
      ] + AttentionScope.fields(in: \Self.scope)
    }
    package func layer(for input: Shape) throws -> any Layer {
      MultiHeadAttention(features: try sequenceFeatures(Self.word, input), self)
    }
  }

  /// The projections of queries, keys and values on top of each other, `[3 · size, size]`; nil
  /// where keys or values have another size.
  public let inProjWeight: Parameter?
  /// The projection of queries, `[size, size]`, where keys or values have another size.
  public let qProjWeight: Parameter?
  /// The projection of keys, `[size, keySize]`, likewise.
  public let kProjWeight: Parameter?
  /// The projection of values, `[size, valueSize]`, likewise.
  public let vProjWeight: Parameter?
  /// Their biases on top of each other, `[3 · size]`.
  public let inProjBias: Parameter?
  /// The last projection.
  package let outProj: Linear
  /// The options that the layer was made from; the scope is that of self-attention.
  package let options: Options

  let size: Int
  private var calls = DropoutCalls()

  /// Makes a layer for queries of `features` features by its options.
  package init(features size: Int, _ options: Options, keySize: Int? = nil, valueSize: Int? = nil) {
    func weight(_ shape: Shape, if isUsed: Bool) -> Parameter? {
      isUsed ? Parameter(shape, initializer: .xavierUniform()) : nil
    }
    let isOne = (keySize ?? size) == size && (valueSize ?? size) == size
    inProjWeight = weight([3 * size, size], if: isOne)
    qProjWeight = weight([size, size], if: !isOne)
    kProjWeight = weight([size, keySize ?? size], if: !isOne)
    vProjWeight = weight([size, valueSize ?? size], if: !isOne)
    inProjBias = options.bias ? Parameter([3 * size], initializer: .zeros) : nil
    outProj = Linear(inputFeatures: size, outputFeatures: size, bias: options.bias)
    outProj.bias?.initializer = .zeros
    self.size = size
    self.options = options
  }

  /// Makes a layer for queries of `features` features.
  public convenience init(
    features: Int, heads: Int, keySize: Int? = nil, valueSize: Int? = nil, bias: Bool = true,
    dropout: Double = 0, isCausal: Bool = false, window: Int? = nil,
    rotary: RotaryPositions = .init(.none)
  ) {
    self.init(
      features: features,
      .with {
        $0.heads = heads
        $0.bias = bias
        $0.dropout = dropout
        $0.scope = AttentionScope(causal: isCausal, window: window, rotary: rotary)
      }, keySize: keySize, valueSize: valueSize)
  }

  private var heads: Int { options.heads }

  /// Applies self-attention.
  override func forward(from x: Tensor) throws -> Tensor { try attend(x, AttentionMask(), nil) }

  /// Applies self-attention under a mask besides the layer's own.
  ///
  /// Shapes: `[batch, time, size]`, unchanged.
  ///
  /// With a cache, `x` holds the positions behind those that the cache holds; they are appended,
  /// and the result is that of the whole text at these positions.
  ///
  /// - Throws: ``TensorError`` for shapes that do not fit.
  public func callAsFunction(_ x: Tensor, mask: AttentionMask, cache: KeyValueCache? = nil) throws
    -> Tensor
  {
    try observed(x) { try attend(x, mask, cache) }
  }

  /// Attends to another text, the memory.
  ///
  /// Shapes: x `[batch, time, size]`, unchanged; memory `[batch, keys, keySize]`.
  ///
  /// An empty cache is filled with the memory's keys and values; a full one stands for the memory.
  ///
  /// - Throws: ``TensorError`` for shapes that do not fit.
  public func callAsFunction(
    _ x: Tensor, memory: Tensor, mask: AttentionMask = AttentionMask(),
    cache: KeyValueCache? = nil
  ) throws -> Tensor {
    try observed(x) {
      let query = try AttentionInput(projected(x, 0..<1), heads: heads)
      var mask = mask
      mask.lengths = mask.lengths ?? memory.lengths
      guard let cache else {
        let (key, value) = try split(memory)
        return try finish(query, key, value, mask)
      }
      if cache.length == 0 {
        if inProjWeight != nil {
          try cache.append(projected(memory, 1..<3), first: 0, of: 2)
        } else {
          try cache.append(keys: projected(memory, 1..<2), values: projected(memory, 2..<3))
        }
      }
      let (key, value) = try cache.inputs(heads: heads)
      return try finish(query, key, value, mask)
    }
  }

  /// Attends with queries, keys and values of three texts, the last two of one length.
  ///
  /// Shapes: queries `[batch, time, size]`, keys `[batch, keys, keySize]`, values
  /// `[batch, keys, valueSize]`, the result `[batch, time, size]`.
  ///
  /// - Throws: ``TensorError`` for shapes that do not fit.
  public func callAsFunction(
    _ query: Tensor, _ key: Tensor, _ value: Tensor, mask: AttentionMask = AttentionMask()
  ) throws -> Tensor {
    var mask = mask
    mask.lengths = mask.lengths ?? key.lengths
    return try observed(query) {
      try finish(
        AttentionInput(projected(query, 0..<1), heads: heads),
        AttentionInput(projected(key, 1..<2), heads: heads),
        AttentionInput(projected(value, 2..<3), heads: heads), mask)
    }
  }

  /// All positions.
  override var ownReceptiveField: ReceptiveField { .everything }

  /// The number of products: those of the projections, of queries and keys, and of weights and
  /// values.
  override func multiplyAdds(from input: Shape, to output: Shape) -> Int {
    let attention = output.leading.productOrMax(output[-2]).productOrMax(2 * output[-1])
    let (sum, overflow) = output.leading.productOrMax(ownMatrixElements)
      .addingReportingOverflow(attention)
    return overflow ? .max : sum
  }

  /// PyTorch's counterpart takes `[batch, time, features]`.
  override var ownSequenceLayout: SequenceLayout? { .channelsLast }

  override func outputShape(from input: Shape) throws -> Shape {
    guard input.rank == 2, input[1] == size else {
      throw TensorError(
        op: "multi_head_attention", "input has shape \(input), expected [time, \(size)]")
    }
    try requireHeads()
    return input
  }

  private func attend(_ x: Tensor, _ mask: AttentionMask, _ cache: KeyValueCache?) throws -> Tensor
  {
    var mask = mask
    mask.isCausal = mask.isCausal || options.scope.causal
    mask.window = mask.window ?? options.scope.window
    if cache == nil { mask.lengths = mask.lengths ?? x.lengths }
    if let cache { mask.queryOffset = cache.length }
    try requireHeads()
    guard inProjWeight != nil else {
      throw TensorError(
        op: "multi_head_attention",
        "keys or values have another size than queries; give them as texts of their own")
    }
    var packed = try projected(x, 0..<3)
    if options.scope.rotary.style != .none {
      packed = try packed.reshape([x.shape[0], x.shape[1], 3 * heads, size / heads])
        .rotary(options.scope.rotary, offset: mask.queryOffset, turned: 2 * heads).reshape(
          packed.shape)
    }
    let query = try AttentionInput(packed, heads: heads, part: 0, of: 3)
    guard let cache else {
      return try finish(
        query, AttentionInput(packed, heads: heads, part: 1, of: 3),
        AttentionInput(packed, heads: heads, part: 2, of: 3), mask)
    }
    try cache.append(packed, first: 1, of: 3)
    let (key, value) = try cache.inputs(heads: heads)
    return try finish(query, key, value, mask)
  }

  private func finish(
    _ query: AttentionInput, _ key: AttentionInput, _ value: AttentionInput, _ mask: AttentionMask
  ) throws -> Tensor {
    let context = query.tensor.context
    var drop: (p: Double, key: RandomKey)?
    if context.isTraining, options.dropout > 0 {
      drop = (options.dropout, calls.next(context, path: path))
    }
    return try outProj(Tensor.attention(query, key, value, mask: mask, dropout: drop))
  }

  private func split(_ memory: Tensor) throws -> (AttentionInput, AttentionInput) {
    guard inProjWeight != nil else {
      return (
        try AttentionInput(projected(memory, 1..<2), heads: heads),
        try AttentionInput(projected(memory, 2..<3), heads: heads)
      )
    }
    let packed = try projected(memory, 1..<3)
    return (
      try AttentionInput(packed, heads: heads, part: 0, of: 2),
      try AttentionInput(packed, heads: heads, part: 1, of: 2)
    )
  }

  /// `x` through some of the three projections, queries being 0, keys 1 and values 2.
  private func projected(_ x: Tensor, _ parts: Range<Int>) throws -> Tensor {
    try requireHeads()
    guard x.shape.rank == 3 else {
      throw TensorError(
        op: "multi_head_attention", "input has shape \(x.shape), expected [batch, time, features]")
    }
    let rows = parts.lowerBound * size..<parts.upperBound * size
    let bias = try inProjBias.map { parts.count == 3 ? try $0.value : try $0.value.rows(rows) }
    guard let inProjWeight else {
      let weights = [qProjWeight, kProjWeight, vProjWeight]
      guard let weight = weights[parts.lowerBound] else { return x }
      return try x.linear(weight.value, bias: bias)
    }
    let weight = try inProjWeight.value
    return try x.linear(parts.count == 3 ? weight : weight.rows(rows), bias: bias)
  }

  private func requireHeads() throws {
    guard heads > 0, size.isMultiple(of: heads) else {
      throw TensorError(
        op: "multi_head_attention", "\(size) features do not divide into \(heads) heads")
    }
  }
}
