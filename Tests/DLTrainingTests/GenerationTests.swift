import DLLayers
import DLModels
import DLTensor
import DLTestSupport
import DLTraining
import Foundation
import Testing

@Suite struct GenerationTests {
  private let text: [Int32] = [3, 1, 4, 1, 5, 9, 2, 6, 5, 3, 5, 8, 9, 7, 9]

  /// Logits behind the last of some tokens, by one pass over all of them.
  private func whole(_ model: any Layer, _ tokens: [Int32], _ context: Context) throws -> [Double] {
    let input = try Tensor.labels(tokens, shape: [1, tokens.count], context: context)
    return Array(try model(input).doubles.suffix(10))
  }

  @Test func keptKeysAndValuesChangeNothing() throws {
    let context = Context(precision: .float64)
    let gpt = GPT(vocabulary: 10, context: 6, layers: 2, width: 12, heads: 3)
    _ = try ParameterArena(gpt, context: context)
    let row = gpt.continuation(in: context)
    for (index, token) in text.enumerated() {
      let logits = try row.feed([token])
      // Beyond its context the model sees the last six tokens, from position 0 on.
      let seen = Array(text[...index].suffix(6))
      let want = try whole(gpt, seen, context)
      #expect(deviation(logits, want) { _ in 1 } < 1e-12, "token \(index)")
    }
    let atOnce = try gpt.continuation(in: context).feed(text)
    let want = try whole(gpt, Array(text.suffix(6)), context)
    #expect(deviation(atOnce, want) { _ in 1 } < 1e-12)
  }

  @Test func keptStateChangesNothing() throws {
    let context = Context(precision: .float64)
    let model = LSTMLanguageModel(vocabulary: 10, layers: 2, hidden: 6, embedding: 4)
    _ = try ParameterArena(model, context: context)
    let row = model.continuation(in: context)
    var logits: [Double] = []
    for piece in [text[..<4], text[4..<5], text[5...]] { logits = try row.feed(Array(piece)) }
    #expect(deviation(logits, try whole(model, text, context)) { _ in 1 } < 1e-12)
  }

  /// A beam as wide as there are beginnings finds the best of all translations.
  @Test(arguments: 1...12)
  func aWideBeamFindsTheBest(seed: Int) throws {
    let context = Context(precision: .float64)
    let model = MarkovModel(seed: seed)
    let source = try Tensor.labels([0, 0], shape: [2, 1], context: context)
    let search = BeamSearch(model, context: context, width: 200, start: 0, end: 1)
    let found = try search(source, lengths: [1, 0], extra: 2)
    for (text, limit) in compared(found, [3, 2]) {
      let best = model.translations(limit: limit)
        .map { (text: $0.text, score: search.judged($0.score, $0.text.count + 1)) }
        .max { $0.score < $1.score }
      #expect(text == best?.text)
    }
  }

  /// With one beginning the likeliest next token is taken each time.
  @Test func aBeamOfOneIsGreedy() throws {
    let context = Context(precision: .float64)
    for seed in 1...12 {
      let model = MarkovModel(seed: seed)
      let source = try Tensor.labels([0], shape: [1, 1], context: context)
      let search = BeamSearch(model, context: context, width: 1, start: 0, end: 1)
      let found = try search(source, lengths: [1], extra: 3)[0]
      var want: [Int32] = []
      var last = 0
      while want.count < 4 {
        let next = model.scores[last].indices.max {
          model.scores[last][$0] < model.scores[last][$1]
        }
        last = next ?? 1
        if last == 1 { break }
        want.append(Int32(last))
      }
      // An end that is second best is kept too; it wins if nothing after it becomes better.
      #expect(found == want || want.starts(with: found))
    }
  }
}

/// Log-probabilities of the next token by the last one alone, over 5 tokens of which 1 is the end.
private final class MarkovModel: Module, SequenceToSequence {
  let scores: [[Double]]
  let labelSmoothing = 0.0
  let beam = 1

  init(seed: Int) {
    var stream = RandomStream(RandomKey(seed))
    scores = (0..<5).map { _ in (0..<5).map { _ in 2 * stream.normal() } }
  }

  func encode(_ source: Tensor, lengths: Tensor) throws -> Tensor {
    try Tensor.zeros([source.shape[0], 1, 1], context: source.context)
  }

  func decode(_ target: Tensor, memory: Tensor, lengths: Tensor, cache: (any DecodingCache)?) throws
    -> Tensor
  {
    let rows = target.doubles.flatMap { scores[Int($0)] }
    return try Tensor.values(
      rows, shape: [target.shape[0], target.shape[1], 5], context: target.context)
  }

  func makeCache() -> any DecodingCache { TransformerCache(layers: 0) }

  /// Every translation of up to `limit` tokens that ends, with its log-probability.
  func translations(limit: Int) -> [(text: [Int32], score: Double)] {
    var open: [(text: [Int32], score: Double)] = [([], 0)]
    var ended: [(text: [Int32], score: Double)] = []
    for _ in 0..<limit {
      var next: [(text: [Int32], score: Double)] = []
      for (text, score) in open {
        let row = scores[Int(text.last ?? 0)]
        let top = row.max() ?? 0
        let total = row.reduce(0) { $0 + Double.exp($1 - top) }
        for token in 0..<5 {
          let sum = score + row[token] - top - Double.log(total)
          if token == 1 {
            ended.append((text, sum))
          } else {
            next.append((text + [Int32(token)], sum))
          }
        }
      }
      open = next
    }
    return ended
  }
}

extension Double {
  fileprivate static func exp(_ x: Double) -> Double { Foundation.exp(x) }
  fileprivate static func log(_ x: Double) -> Double { Foundation.log(x) }
}
