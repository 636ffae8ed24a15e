import DLConfiguration
import DLTensor

/// A linear-chain conditional random field over the tags of a sequence: the last layer of a tagger.
///
/// A path y of tags has the probability `softmax(start[y₀] + Σ x[t, y_t] + Σ transitions[y_{t-1}, y_t]
/// + end[y_last])` over all paths; the loss is the mean of `-log p(labels)` per label. The layer itself hands
/// the scores x of single tags on. Shapes: `[batch, time, tags]`, unchanged; transitions `[tags, tags]` from row to
/// column, the others `[tags]`, all from U(-0.1, 0.1). Lafferty et al. 2001; Lample et al. 2016,
/// section 2.2. Counterpart: `torchcrf.CRF(tags, batch_first=True)`.
public final class CRF: BuiltInLayer {
  /// The options of ``CRF`` in `model.layers`; the number of tags comes from the data.
  package struct Options: LayerSpec {
    package static var word: String { "crf" }
    /// The way in which tags are read off.
    package var decode = CRFDecoding.viterbi
    /// The label of positions that may have any tag.
    package var ignoreIndex = -100
    package init() {}
    package static var fields: [ConfigurationField<Self>] {
      [
        .init(
          "decode", \.decode,
          "how tags are chosen: viterbi, the best path; marginal, the likeliest tag of each position; "
            + "greedy, from left to right"),
        .init(
          "ignore_index", \.ignoreIndex, .within(Double(Int32.min)...Double(Int32.max)),
          "label of positions that do not count"),
      ]
    }
    package func layer(for input: Shape) throws -> any Layer {
      CRF(
        tags: try sequenceFeatures(Self.word, input), decoding: decode,
        ignoreIndex: Int32(clamping: ignoreIndex))
    }
  }

  /// The scores of a tag, the row, before another, `[tags, tags]`.
  public let transitions: Parameter
  /// The scores of the first tag, `[tags]`.
  public let startTransitions: Parameter
  /// The scores of the last tag, `[tags]`.
  public let endTransitions: Parameter
  /// The way in which tags are read off.
  package let decoding: CRFDecoding
  /// The label of positions that may have any tag.
  package let ignoreIndex: Int32

  /// Makes a layer over so many tags.
  public init(tags: Int, decoding: CRFDecoding = .viterbi, ignoreIndex: Int32 = -100) {
    func parameter(_ shape: Shape) -> Parameter {
      Parameter(shape, initializer: .uniform(bound: 0.1))
    }
    transitions = parameter([tags, tags])
    startTransitions = parameter([tags])
    endTransitions = parameter([tags])
    self.decoding = decoding
    self.ignoreIndex = ignoreIndex
  }

  /// Hands the scores on.
  override func forward(from x: Tensor) throws -> Tensor { x }

  /// `-Σ log p(labels | x)` over rows; see ``Tensor/crfSum(labels:potentials:ignoreIndex:)``.
  ///
  /// - Throws: ``TensorError`` for shapes that do not fit, or a label that is no tag.
  package func lossSum(_ x: Tensor, labels: Tensor) throws -> Tensor {
    try located {
      try x.crfSum(labels: labels, potentials: potentials, ignoreIndex: ignoreIndex)
    }
  }

  /// Numbers whose largest at each position is the tag that is chosen; see
  /// ``Tensor/crfDecoded(potentials:by:)``.
  ///
  /// - Throws: ``TensorError`` for shapes that do not fit.
  package func decoded(_ x: Tensor) throws -> Tensor {
    try located { try x.crfDecoded(potentials: potentials, by: decoding) }
  }

  override func outputShape(from input: Shape) throws -> Shape {
    guard input.rank == 2, input[1] == startTransitions.shape[0] else {
      throw TensorError(
        op: Options.word,
        "input has shape \(input), expected [time, \(startTransitions.shape[0])]")
    }
    return input
  }

  private var potentials: Tensor {
    get throws {
      let tags = startTransitions.shape[0]
      return try .concat(
        [
          transitions.value, startTransitions.value.reshape([1, tags]),
          endTransitions.value.reshape([1, tags]),
        ], axis: 0)
    }
  }
}

extension CRFDecoding: ConfigurationWord {}
