import CKernels
import DLCore

/// The ways to read tags off the scores of a linear chain.
public enum CRFDecoding: String, Sendable, CaseIterable {
  /// The tags of the best path (Viterbi 1967).
  case viterbi
  /// The likeliest tag at each position, over all paths.
  case marginal
  /// From left to right the best tag behind the one that was chosen.
  case greedy

  fileprivate var kernel: dl_crf_decoding {
    switch self {
    case .viterbi: DL_CRF_BEST
    case .marginal: DL_CRF_MARGINALS
    case .greedy: DL_CRF_GREEDY
    }
  }
}

// A linear-chain conditional random field: this tensor has a score for each position and tag,
// `[batch, time, tags]`, valid as far as its lengths say; potentials `[tags + 2, tags]` are those of
// transitions from row to column, then of the first and of the last tag. A path y of tags scores
// `start[y₀] + Σ x[t, y_t] + Σ transitions[y_{t-1}, y_t] + end[y_last]`.
extension Tensor {
  /// `-Σ log p(labels | x)` over rows, p the softmax of scores over all paths; a scalar.
  ///
  /// The forward algorithm runs in float64 and on logarithms, gradients are by the forward-backward
  /// algorithm. Shapes: labels int32 `[batch, time]`. A position whose label is `ignoreIndex` may have any tag: the
  /// probability is that of all paths through the other labels. Lafferty et al. 2001. Counterpart:
  /// `-torchcrf.CRF.forward(reduction="sum")`.
  ///
  /// - Throws: ``TensorError`` for shapes that do not fit, or a label that is no tag.
  package func crfSum(labels: Tensor, potentials: Tensor, ignoreIndex: Int32) throws -> Tensor {
    let problem = try CRFProblem(self, potentials, ignoreIndex)
    guard labels.dtype == .int32, labels.shape.rank == 2, labels.shape[0] == shape[0],
      labels.shape[1] == shape[1]
    else {
      throw TensorError(
        op: "crf",
        "scores have shape \(shape), labels \(labels.dtype) \(labels.shape); expected "
          + "[batch, time, tags] and int32 [batch, time]")
    }
    let (scores, potentials) = (problem.scores, problem.potentials)
    let isLearning =
      context.isRecording && (scores.requiresGradient || potentials.requiresGradient)
    let dx = isLearning ? try Tensor.empty(shape, dtype: .float64, context: context) : nil
    let dpotentials =
      isLearning ? try Tensor.empty(potentials.shape, dtype: .float64, context: context) : nil
    let scratch = try Tensor.empty(
      [(shape[1] + 3) * shape[2]], dtype: .float64, context: context)
    var sum = 0.0
    let wrong = dl_crf_loss(
      problem.kernel, labels.int32s, scores.float64s, &sum, dx?.float64s, dpotentials?.float64s,
      scratch.float64s)
    guard wrong < 0 else {
      throw TensorError(
        op: "crf",
        "label \(labels.int32s[wrong]) of row \(wrong / shape[1]) is not in 0 ..< \(shape[2])",
        exitCode: .data)
    }
    return try scores.lossSum(sum, from: potentials) { scale in
      for (input, gradient) in [(scores, dx), (potentials, dpotentials)] {
        guard let gradient else { continue }
        try input.addGradient { target, accumulate in
          dl_scale(
            DType.float64.kernel, scale, gradient.pointer, target, gradient.count, accumulate)
        }
      }
    }
  }

  /// Numbers in float64 whose largest at each position is the tag that a decoding chooses; behind a
  /// row's end those of this tensor.
  ///
  /// They are the score of the best path through each tag, the logarithm of each tag's probability,
  /// or the score of each tag behind the one that was chosen.
  ///
  /// - Throws: ``TensorError`` for shapes that do not fit.
  package func crfDecoded(potentials: Tensor, by decoding: CRFDecoding) throws -> Tensor {
    try context.withoutRecording {
      let problem = try CRFProblem(self, potentials, .min)
      let y = try Tensor.empty(shape, dtype: .float64, context: context)
      let scratch = try Tensor.empty([3 * shape[2]], dtype: .float64, context: context)
      withExtendedLifetime(problem) {
        dl_crf_decode(
          problem.kernel, decoding.kernel, problem.scores.float64s, y.float64s, scratch.float64s)
      }
      y.lengths = lengths
      return y
    }
  }
}

/// Scores and potentials that fit, in float64.
private struct CRFProblem {
  let scores: Tensor
  let potentials: Tensor
  let kernel: dl_crf_problem
  private let lengths: Tensor?

  init(_ x: Tensor, _ potentials: Tensor, _ ignored: Int32) throws {
    try x.requireReal(op: "crf")
    guard x.shape.rank == 3, x.shape[2] > 0,
      potentials.shape == [x.shape[2] + 2, x.shape[2]], potentials.dtype == x.dtype
    else {
      throw TensorError(
        op: "crf",
        "scores are \(x.dtype) \(x.shape), potentials \(potentials.dtype) \(potentials.shape); "
          + "expected [batch, time, tags] and [tags + 2, tags]")
    }
    lengths = x.lengths
    try x.requireLengths("crf", lengths, x.shape[0], upTo: x.shape[1])
    scores = try x.converted(to: .float64)
    self.potentials = try potentials.converted(to: .float64)
    kernel = dl_crf_problem(
      rows: x.shape[0], steps: x.shape[1], tags: x.shape[2],
      potentials: self.potentials.float64s, lengths: lengths?.int32s, ignored: ignored)
  }
}
