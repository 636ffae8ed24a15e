import DLData
import DLModels
import DLTensor

/// Writes translations by a model that writes all tokens at once: several lengths are tried, and of
/// the likeliest tokens for each the translation with the best log-probability per token is kept.
///
/// Gu et al. 2018, section 4.3 (noisy parallel decoding), scored by the model itself.
package struct LengthSearch {
  private let model: any NonAutoregressive
  private let context: Context
  private let width: Int
  private let marks: SentenceMarks

  /// Makes a search.
  ///
  /// - Parameters:
  ///   - width: lengths that are tried.
  ///   - marks: the tokens at a sentence's ends and behind it.
  package init(
    _ model: any NonAutoregressive, context: Context, width: Int, marks: SentenceMarks
  ) {
    self.model = model
    self.context = context
    self.width = width
    self.marks = marks
  }

  /// The best translation of each source row, up to the first end token.
  ///
  /// - Parameters:
  ///   - source: tokens, `[batch, time]`.
  ///   - lengths: how many of each row count.
  ///   - extra: how many tokens more than its source a translation may have.
  /// - Throws: ``TensorError`` when there is no memory.
  package func callAsFunction(_ source: Tensor, lengths: [Int32], extra: Int) throws -> [[Int32]] {
    let count = lengths.count
    guard count > 0 else { return [] }
    let known = try Tensor.labels(lengths, shape: [count], context: context)
    let memory = try model.encode(source, lengths: known)
    let tried = min(width, 2 * model.reach + 1)
    let longer = try model.lengthLogits(memory, lengths: known).topK(tried).indices.doubles
    var best = [(score: Double, text: [Int32])?](repeating: nil, count: count)
    for choice in 0..<tried {
      let wanted = lengths.enumerated().map { row, length in
        let target = Int(length) + Int(longer[row * tried + choice]) - model.reach
        return min(max(target, 1), Int(length) + extra)
      }
      let texts = try written(memory, known, wanted)
      for (row, text) in texts.enumerated() where best[row].map({ text.score > $0.score }) ?? true {
        best[row] = text
      }
    }
    return best.map { $0?.text ?? [] }
  }

  private func written(_ memory: Tensor, _ lengths: Tensor, _ wanted: [Int]) throws
    -> [(score: Double, text: [Int32])]
  {
    let (count, width) = (wanted.count, wanted.max() ?? 1)
    // Only where padding is counts.
    let places = wanted.flatMap { length in
      (0..<width).map { $0 < length ? marks.begin : marks.padding }
    }
    let likeliest = try model.decode(
      .labels(places, shape: [count, width], context: context), memory: memory, lengths: lengths,
      cache: nil
    ).logSoftmax().topK(1)
    let (scores, tokens) = (likeliest.values.doubles, likeliest.indices.doubles)
    return wanted.enumerated().map { row, length in
      let range = row * width..<row * width + length
      let text = tokens[range].map { Int32($0) }
      return (
        scores[range].reduce(0, +) / Double(length),
        Array(text.prefix { $0 != marks.end })
      )
    }
  }
}
