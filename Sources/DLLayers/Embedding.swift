import DLConfiguration
import DLTensor

/// A table of rows that indices look up, such as a vector per word.
///
/// Shapes: int32 `[...]` to `[..., features]`; weight `[count, features]`, from N(0, 1), with zeros
/// in the row of padding. The gradient touches the rows that occur. Counterpart:
/// `torch.nn.Embedding`.
public final class Embedding: BuiltInLayer {
  /// The options of ``Embedding`` in `model.layers`.
  package struct Options: LayerSpec {
    package static var word: String { "embedding" }
    /// Rows of the table, one for each token.
    package var entries = 0
    /// Features of a row.
    package var size = 0
    /// The token that gets no gradient and starts at zero, from the end if below 0; none unless
    /// given.
    package var paddingIdx: Int?
    /// The norm that rows in use are scaled down to; any unless given.
    package var maxNorm: Double?
    /// The norm's exponent p in `(Σ |x|^p)^(1/p)`.
    package var normType = 2.0
    /// True if the table stays as it is loaded.
    package var frozen = false
    package init() {}
    package static var fields: [ConfigurationField<Self>] {
      [
        .init(
          "entries", \.entries, .layerSize, required: true,
          "rows of the table: how many tokens there are"),
        .init("size", \.size, .layerSize, required: true, "features of a row"),
        .init(
          "padding_idx", \.paddingIdx,
          "the token that gets no gradient and starts at zero, from the end if below 0; none unless "
            + "given"),
        .init(
          "max_norm", \.maxNorm, .above(0),
          "the norm that rows in use are scaled down to; any unless given"),
        .init("norm_type", \.normType, .above(0), "which norm that is"),
        .init("frozen", \.frozen, "whether the table stays as it is loaded"),
      ]
    }
    package func problems() -> [ConfigurationProblem] {
      guard let paddingIdx, !(-entries..<entries).contains(paddingIdx) else { return [] }
      return [
        .init("padding_idx", "entries", message: "\(paddingIdx) is no row of \(entries)")
      ]
    }
    package func layer(for input: Shape) -> any Layer { Embedding(self) }
  }

  /// The table, `[count, features]`.
  public let weight: Parameter
  /// The row that gets no gradient and starts at zero, counted from the start; nil for none.
  package let paddingIndex: Int?
  package let options: Options

  /// Makes a table by its options.
  package init(
    _ options: Options, initializer: Initializer = .normal(standardDeviation: 1)
  ) {
    self.options = options
    let padding = options.paddingIdx.map { $0 < 0 ? $0 + options.entries : $0 }
    weight = Parameter(
      [options.entries, options.size], initializer: .rows(initializer, zero: padding))
    weight.isFrozen = options.frozen
    paddingIndex = padding
  }

  /// Makes a table of `count` rows; `paddingIndex` counts from the end if below 0.
  public convenience init(
    count: Int, features: Int, paddingIndex: Int? = nil, maxNorm: Double? = nil,
    normType: Double = 2, isFrozen: Bool = false,
    initializer: Initializer = .normal(standardDeviation: 1)
  ) {
    self.init(
      .with {
        $0.entries = count
        $0.size = features
        $0.paddingIdx = paddingIndex
        $0.maxNorm = maxNorm
        $0.normType = normType
        $0.frozen = isFrozen
      }, initializer: initializer)
  }

  /// The rows of the table.
  override var ownInputDomain: ValueDomain { .indices(count: weight.shape[0]) }

  /// Rows that are too long are shortened in the table itself.
  package override var weightChange: String? {
    options.maxNorm.map { _ in "an embedding with max_norm" }
  }

  /// The token without a row of its own.
  override var ownInputPadding: Int32? { paddingIndex.map { Int32($0) } }

  /// Those of the tokens; where they have none, up to the last token that is not padding.
  override func lengths(of output: Tensor, from input: Tensor) -> Tensor? {
    output.shape.rank > 2 ? input.lengths : nil
  }

  /// Looks the rows up; those above the largest norm change in the table itself in training, as in
  /// PyTorch, and only in the result in evaluation.
  override func forward(from indices: Tensor) throws -> Tensor {
    let table = try weight.value
    let normType = options.normType
    try noteLengths(of: indices)
    guard let maxNorm = options.maxNorm else {
      return try indices.embedding(table, paddingIndex: paddingIndex)
    }
    if indices.context.isTraining {
      try table.renormalizeRows(usedBy: indices, maxNorm: maxNorm, normType: normType)
    }
    let y = try indices.embedding(table, paddingIndex: paddingIndex)
    if !indices.context.isTraining { try y.renormalizeRows(maxNorm: maxNorm, normType: normType) }
    return y
  }

  /// The number of products, which is 0: rows are looked up.
  override func multiplyAdds(from input: Shape, to output: Shape) -> Int { 0 }

  /// PyTorch's counterpart takes `[batch, time, features]`.
  override var ownSequenceLayout: SequenceLayout? { .channelsLast }

  override func outputShape(from input: Shape) throws -> Shape {
    guard input.rank < Shape.maximumRank - 1 else {
      throw TensorError(op: "embedding", "input has shape \(input), which leaves no axis for rows")
    }
    return Shape(input.dimensions + [weight.shape[1]])
  }
}

/// Rows of a table put together by bags: their sum, mean or largest features.
///
/// Shapes: int32 `[bags, length]`, or `[positions]` with the offset of each bag, to
/// `[bags, features]`; weight `[count, features]`, from N(0, 1). Counterpart:
/// `torch.nn.EmbeddingBag`.
public final class EmbeddingBag: BuiltInLayer {
  /// The options of ``EmbeddingBag`` in `model.layers`.
  package struct Options: LayerSpec {
    package static var word: String { "embedding_bag" }
    /// Rows of the table, one for each token.
    package var entries = 0
    /// Features of a row.
    package var size = 0
    /// The way in which vectors are put together: sum, mean or max.
    package var mode = EmbeddingBagMode.mean
    /// The token that does not count, from the end if below 0; none unless given.
    package var paddingIdx: Int?
    package init() {}
    package static var fields: [ConfigurationField<Self>] {
      [
        .init(
          "entries", \.entries, .layerSize, required: true,
          "rows of the table: how many tokens there are"),
        .init("size", \.size, .layerSize, required: true, "features of a row"),
        .init("mode", \.mode, "how vectors are put together: sum, mean or max"),
        .init(
          "padding_idx", \.paddingIdx,
          "the token that does not count, from the end if below 0; none unless given"),
      ]
    }
    package func problems() -> [ConfigurationProblem] {
      guard let paddingIdx, !(-entries..<entries).contains(paddingIdx) else { return [] }
      return [
        .init("padding_idx", "entries", message: "\(paddingIdx) is no row of \(entries)")
      ]
    }
    package func layer(for input: Shape) -> any Layer { EmbeddingBag(self) }
  }

  /// The table, `[count, features]`.
  public let weight: Parameter
  /// The row that does not count and gets no gradient, counted from the start; nil for none.
  package let paddingIndex: Int?
  package let options: Options

  /// Makes a table by its options.
  package init(_ options: Options) {
    self.options = options
    let padding = options.paddingIdx.map { $0 < 0 ? $0 + options.entries : $0 }
    weight = Parameter(
      [options.entries, options.size],
      initializer: .rows(.normal(standardDeviation: 1), zero: padding))
    paddingIndex = padding
  }

  /// Makes a table of `count` rows; `paddingIndex` counts from the end if below 0.
  public convenience init(
    count: Int, features: Int, mode: EmbeddingBagMode = .mean, paddingIndex: Int? = nil
  ) {
    self.init(
      .with {
        $0.entries = count
        $0.size = features
        $0.mode = mode
        $0.paddingIdx = paddingIndex
      })
  }

  /// The rows of the table.
  override var ownInputDomain: ValueDomain { .indices(count: weight.shape[0]) }

  /// Applies the layer to bags of one length.
  override func forward(from indices: Tensor) throws -> Tensor {
    try indices.embeddingBag(weight.value, mode: options.mode, paddingIndex: paddingIndex)
  }

  /// Applies the layer to bags that start at `offsets`, or to weighted samples.
  ///
  /// Shapes: int32 `[bags, length]`, or `[positions]` with offsets int32 `[bags]`, to
  /// `[bags, features]`; the samples' weights are shaped as the indices.
  ///
  /// - Throws: ``TensorError`` for shapes that do not fit.
  public func callAsFunction(
    _ indices: Tensor, offsets: Tensor?, sampleWeights: Tensor? = nil
  ) throws -> Tensor {
    try applied(in: indices.context) {
      try indices.embeddingBag(
        weight.value, offsets: offsets, mode: options.mode, sampleWeights: sampleWeights,
        paddingIndex: paddingIndex)
    }
  }

  /// All positions.
  override var ownReceptiveField: ReceptiveField { .everything }

  /// The number of products, which is 0: rows are looked up.
  override func multiplyAdds(from input: Shape, to output: Shape) -> Int { 0 }

  override func outputShape(from input: Shape) throws -> Shape {
    guard input.rank == 1 else {
      throw TensorError(op: "embedding_bag", "input has shape \(input), expected [length]")
    }
    return [weight.shape[1]]
  }
}

extension Initializer {
  /// A rule for a table, with zeros in one row.
  static func rows(_ rule: Initializer, zero row: Int?) -> Initializer {
    guard let row else { return rule }
    var initializer = Initializer { weight, stream in
      var values = rule.values(weight, &stream)
      guard (0..<weight.shape[0]).contains(row) else { return values }
      for column in 0..<weight.shape[1] { values[row * weight.shape[1] + column] = 0 }
      return values
    }
    initializer.zeroRow = row
    return initializer
  }
}

extension EmbeddingBagMode: ConfigurationWord {}
