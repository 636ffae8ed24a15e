import DLModels
import DLTensor
import Foundation

/// Writes the likeliest translations of sentences, several at a time.
///
/// Of every sentence the `width` likeliest beginnings are kept; one that ends is judged by its
/// log-probability over `((5 + length) / 6)^0.6` (Wu et al. 2016, equation 14). A sentence is done
/// when as many have ended as are kept, or none of its beginnings can become better than the best
/// of those.
package struct BeamSearch {
  /// The model, set up and in evaluation.
  let model: any SequenceToSequence
  let context: Context
  let width: Int
  let start: Int32
  let end: Int32
  private let lengthPenalty = 0.6

  /// A sentence in work.
  private struct Beam {
    var scores: [Double]
    var texts: [[Int32]]
    var best: (score: Double, text: [Int32])?
    var ended = 0
  }

  /// Makes a search.
  ///
  /// - Parameters:
  ///   - model: what writes, with its parameters set up and `context.isTraining` false.
  ///   - width: beginnings that are kept of each text; 1 writes greedily.
  ///   - start: the token before the first one, that of `dltrain data pack parallel` unless given.
  ///   - end: the token behind the last one.
  package init(
    _ model: any SequenceToSequence, context: Context, width: Int, start: Int32 = 1, end: Int32 = 2
  ) {
    self.model = model
    self.context = context
    self.width = width
    self.start = start
    self.end = end
  }

  /// The best translation of each source row, without start and end.
  ///
  /// - Parameters:
  ///   - source: tokens, `[batch, time]`.
  ///   - lengths: how many of each row count.
  ///   - extra: how many tokens more than its source a translation may have.
  /// - Throws: ``TensorError`` for shapes that do not fit.
  package func callAsFunction(_ source: Tensor, lengths: [Int32], extra: Int) throws -> [[Int32]] {
    let count = lengths.count
    guard count > 0 else { return [] }
    let memory = try model.encode(
      source, lengths: .labels(lengths, shape: [count], context: context))
    let cache = model.makeCache()
    var beams = (0..<count).map { _ in Beam(scores: [0], texts: [[]]) }
    var rows = Array(0..<count)
    var last = [Int32](repeating: start, count: count)
    let limits = lengths.map { Int($0) + extra }
    for _ in 0..<(limits.max() ?? 0) {
      // Rows of sentences that are done, or of beginnings that were given up, are left out.
      let texts = try Tensor.labels(last, shape: [rows.count, 1], context: context)
      let rowLengths = try Tensor.labels(
        rows.map { lengths[$0] }, shape: [rows.count], context: context)
      let logits = try model.decode(
        texts, memory: memory, lengths: rowLengths, cache: cache)
      let vocabulary = logits.shape.last
      let choices = min(2 * width, vocabulary)
      let likeliest = try logits.logSoftmax().topK(choices)
      var kept: [Int] = []
      (rows, last) = advance(
        &beams, rows: rows, values: likeliest.values.doubles,
        tokens: likeliest.indices.doubles.map { Int32($0) }, choices: choices, limits: limits,
        from: &kept)
      if rows.isEmpty { break }
      try cache.select(kept)
    }
    return beams.map { beam in
      let open = zip(beam.scores, beam.texts).map { (judged($0, $1.count + 1), $1) }
      return (beam.best?.text ?? open.max { $0.0 < $1.0 }?.1) ?? []
    }
  }

  /// Takes the next token of every beginning; returns the sentences of the new rows and their last
  /// tokens, and in `kept` the old row that each goes on from.
  private func advance(
    _ beams: inout [Beam], rows: [Int], values: [Double], tokens: [Int32], choices: Int,
    limits: [Int],
    from kept: inout [Int]
  ) -> (rows: [Int], last: [Int32]) {
    var newRows: [Int] = []
    var last: [Int32] = []
    var first = 0
    while first < rows.count {
      let sentence = rows[first]
      let size = beams[sentence].texts.count
      var candidates: [(score: Double, place: Int, token: Int32)] = []
      for place in 0..<size {
        for choice in 0..<choices {
          let index = (first + place) * choices + choice
          candidates.append((beams[sentence].scores[place] + values[index], place, tokens[index]))
        }
      }
      candidates.sort { ($1.score, $0.place, $0.token) < ($0.score, $1.place, $1.token) }
      var next = Beam(
        scores: [], texts: [], best: beams[sentence].best, ended: beams[sentence].ended)
      for candidate in candidates.prefix(2 * width) where next.texts.count < width {
        let text = beams[sentence].texts[candidate.place]
        if candidate.token == end {
          next.ended += 1
          let score = judged(candidate.score, text.count + 1)
          if next.best.map({ score > $0.score }) ?? true { next.best = (score, text) }
        } else {
          next.scores.append(candidate.score)
          next.texts.append(text + [candidate.token])
          newRows.append(sentence)
          last.append(candidate.token)
          kept.append(first + candidate.place)
        }
      }
      let isHopeless = next.best.map { best in
        next.scores.allSatisfy { judged($0, limits[sentence] + 1) <= best.score }
      }
      let isFull = next.texts.first.map { $0.count >= limits[sentence] } ?? true
      if next.ended >= width || isHopeless == true || isFull {
        newRows.removeLast(next.texts.count)
        last.removeLast(next.texts.count)
        kept.removeLast(next.texts.count)
      }
      beams[sentence] = next
      first += size
    }
    return (newRows, last)
  }

  /// A translation's log-probability over its penalty of length, the end counted.
  package func judged(_ score: Double, _ length: Int) -> Double {
    score / PortableMath.pow((5 + Double(length)) / 6, lengthPenalty)
  }
}
