import DLLayers
import DLTensor
import DLTestSupport
import Foundation
import Testing

/// Conditional random fields against the sums over all paths of tags, written out.
@Suite struct CRFTests {
  private static let (rows, time, tags) = (5, 4, 3)
  private static let lengths: [Int32] = [4, 3, 1, 0, 4]
  /// What stands behind a row's end does not count; -100 may be any tag.
  private static let labels: [Int32] = [
    0, 2, 1, 1, 2, -100, 0, 7, 1, 0, 0, 0, 0, 0, 0, 0, -100, 2, -100, -100,
  ]

  /// Scores of single tags, then transitions, those of the first tag and of the last.
  private static var numbers: [Double] {
    var numbers = Numbers(seed: 11)
    return numbers.array(rows * time * tags + tags * tags + 2 * tags).map { 2 * $0 }
  }

  /// The paths of a row, each with its score.
  private static func paths(_ numbers: [Double], row: Int) -> [(tags: [Int], score: Double)] {
    let length = Int(lengths[row])
    let potentials = Array(numbers[(rows * time * tags)...])
    var paths: [[Int]] = [[]]
    for _ in 0..<length { paths = paths.flatMap { path in (0..<tags).map { path + [$0] } } }
    return paths.map { path in
      var score = 0.0
      for (step, tag) in path.enumerated() {
        score += numbers[(row * time + step) * tags + tag]
        if step > 0 { score += potentials[path[step - 1] * tags + tag] }
      }
      if let first = path.first { score += potentials[tags * tags + first] }
      if let last = path.last { score += potentials[tags * (tags + 1) + last] }
      return (path, score)
    }
  }

  private static func loss(_ numbers: [Double]) -> Double {
    (0..<rows).reduce(0) { sum, row in
      let paths = paths(numbers, row: row)
      let right = paths.filter { path in
        path.tags.enumerated().allSatisfy {
          let label = labels[row * time + $0.offset]
          return label == -100 || Int(label) == $0.element
        }
      }
      func total(_ paths: [(tags: [Int], score: Double)]) -> Double {
        log(paths.reduce(0) { $0 + exp($1.score) })
      }
      return sum + total(paths) - total(right)
    }
  }

  /// A layer with the numbers, and the scores.
  private func field(_ numbers: [Double], _ context: Context, _ decoding: CRFDecoding = .viterbi)
    throws -> (layer: CRF, scores: Tensor)
  {
    let (rows, time, tags) = (Self.rows, Self.time, Self.tags)
    let layer = CRF(tags: tags, decoding: decoding)
    let arena = try ParameterArena(layer, context: context)
    #expect(
      arena.parameters.map(\.name) == ["transitions", "start_transitions", "end_transitions"])
    let potentials = numbers[(rows * time * tags)...]
    try layer.transitions.value.assign(Array(potentials.prefix(tags * tags)))
    try layer.startTransitions.value.assign(Array(potentials.dropFirst(tags * tags).prefix(tags)))
    try layer.endTransitions.value.assign(Array(potentials.suffix(tags)))
    let scores = try Tensor.values(
      Array(numbers.prefix(rows * time * tags)), shape: [rows, time, tags], context: context
    ).requiringGradient()
    scores.lengths = try .labels(Self.lengths, context: context)
    return (layer, scores)
  }

  @Test(arguments: [DType.float64, .float32])
  func lossAndGradientsAreThoseOfAllPaths(precision: DType) throws {
    let context = Context(precision: precision)
    let numbers = Self.numbers
    let (layer, scores) = try field(numbers, context)
    let labels = try Tensor.labels(Self.labels, shape: [Self.rows, Self.time], context: context)
    let sum = try context.recording { try layer.lossSum(layer(scores), labels: labels) }
    let tolerance = precision == .float64 ? 1e-12 : 1e-6
    #expect(deviation([sum.scalar], [Self.loss(numbers)]) < tolerance)
    try context.backward(sum, seed: 0.5)
    let potentials = [layer.transitions, layer.startTransitions, layer.endTransitions]
    let gradients = try ([scores] + potentials.map { try $0.value }).flatMap {
      $0.gradient?.doubles ?? []
    }
    let differences = numbers.indices.map { index in
      var (up, down) = (numbers, numbers)
      up[index] += 1e-5
      down[index] -= 1e-5
      return 0.5 * (Self.loss(up) - Self.loss(down)) / 2e-5
    }
    #expect(deviation(gradients, differences) < (precision == .float64 ? 1e-8 : 1e-5))
    #expect(differences.contains { abs($0) > 0.1 })
  }

  @Test func theBestPathIsTheBestOfAll() throws {
    let context = Context(precision: .float64)
    let (layer, scores) = try field(Self.numbers, context)
    let decoded = try layer.decoded(scores)
    let best = try decoded.argmax().doubles.map { Int($0) }
    for row in 0..<Self.rows {
      let path = try #require(Self.paths(Self.numbers, row: row).max { $0.score < $1.score })
      let places = row * Self.time..<row * Self.time + Int(Self.lengths[row])
      #expect(Array(best[places]) == path.tags)
      for place in places {
        #expect(abs(decoded.doubles[place * Self.tags + best[place]] - path.score) < 1e-12)
      }
    }
  }

  @Test func marginalsAreSharesOfPaths() throws {
    let context = Context(precision: .float64)
    let (layer, scores) = try field(Self.numbers, context, .marginal)
    let decoded = try layer.decoded(scores).doubles
    for row in 0..<Self.rows {
      let paths = Self.paths(Self.numbers, row: row)
      let total = paths.reduce(0) { $0 + exp($1.score) }
      for step in 0..<Int(Self.lengths[row]) {
        let shares = (0..<Self.tags).map { tag in
          paths.reduce(0) { $0 + ($1.tags[step] == tag ? exp($1.score) : 0) } / total
        }
        let start = (row * Self.time + step) * Self.tags
        #expect(deviation(decoded[start..<start + Self.tags].map(exp), shares) < 1e-12)
      }
    }
  }

  @Test func greedyGoesFromLeftToRight() throws {
    let context = Context(precision: .float64)
    let (layer, scores) = try field(Self.numbers, context, .greedy)
    let best = try layer.decoded(scores).argmax().doubles.map { Int($0) }
    var differs = false
    for row in 0..<Self.rows where Self.lengths[row] > 0 {
      let paths = Self.paths(Self.numbers, row: row)
      let length = Int(Self.lengths[row])
      let found = Array(best[row * Self.time..<row * Self.time + length])
      // Of all paths that begin as the choices before, that with the best score so far.
      let potentials = Array(Self.numbers[(Self.rows * Self.time * Self.tags)...])
      var chosen: [Int] = []
      for step in 0..<length {
        let choices = (0..<Self.tags).map { tag -> Double in
          let before = chosen.last.map { potentials[$0 * Self.tags + tag] }
          let end = step + 1 == length ? potentials[Self.tags * (Self.tags + 1) + tag] : 0
          return (before ?? potentials[Self.tags * Self.tags + tag])
            + Self.numbers[(row * Self.time + step) * Self.tags + tag] + end
        }
        chosen.append(choices.firstIndex(of: choices.max() ?? 0) ?? 0)
      }
      #expect(found == chosen)
      differs = differs || paths.max { $0.score < $1.score }?.tags != chosen
    }
    #expect(differs, "the numbers do not tell greedy choices from the best path")
  }

  @Test func whatDoesNotFitIsNamed() throws {
    let context = Context(precision: .float64)
    let (layer, scores) = try field(Self.numbers, context)
    let labels = try Tensor.labels(
      [Int32](repeating: 3, count: 20), shape: [Self.rows, Self.time], context: context)
    expect("crf: label 3 of row 0 is not in 0 ..< 3") {
      try layer.lossSum(scores, labels: labels)
    }
    expect("crf: input has shape [4, 2], expected [time, 3]") {
      try layer.outputShape(for: [4, 2])
    }
  }
}
