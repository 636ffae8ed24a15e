import DLData
import DLLayers
import DLModels
import DLTensor

/// The BLEU of translations as a loss: what is drawn shall become likelier where it is better than
/// what the model writes anyway, and less likely where it is worse.
///
/// `Σ_rows (r(greedy) - r(drawn)) · log P(drawn)`, where r is the BLEU of a sentence from 0 to 1. A
/// sentence is drawn token by token, keyed by step and row, and no gradient flows through r. Rennie
/// et al. 2017, "Self-critical Sequence Training for Image Captioning", equation 8.
struct SelfCritical {
  private let network: any SequenceToSequence
  private let context: Context
  private let tokenizer: any Tokenizer
  private let marks: SentenceMarks

  init(
    _ network: any SequenceToSequence, context: Context, tokenizer: any Tokenizer,
    marks: SentenceMarks
  ) {
    self.network = network
    self.context = context
    self.tokenizer = tokenizer
    self.marks = marks
  }

  /// The sum over rows, recorded.
  ///
  /// - Parameter width: tokens at which a sentence is cut off, as many on every rank.
  func sum(
    _ memory: Tensor, _ lengths: Tensor, targets: [[Int32]], width: Int, firstRow: Int
  ) throws -> Tensor {
    let key = RandomKey(context.seed).child("self_critical").child(context.step)
    var streams = targets.indices.map { RandomStream(key.child(firstRow + $0)) }
    let drawn = try written(memory, lengths, width) { logits in
      try choice(from: logits, &streams)
    }
    let greedy = try written(memory, lengths, width) { logits in
      try logits.argmax().doubles.map { Int32($0) }
    }
    let gains: [Double] = try targets.indices.map { row in
      try reward(greedy[row], targets[row]) - reward(drawn[row], targets[row])
    }
    let padding = marks.padding
    var given = [Int32](repeating: padding, count: drawn.count * width)
    var wanted = given
    for (row, text) in drawn.enumerated() {
      let begin = row * width
      given.replaceSubrange(
        begin..<begin + text.count, with: [marks.begin] + text.dropLast())
      wanted.replaceSubrange(begin..<begin + text.count, with: text)
    }
    let shape = Shape([drawn.count, width])
    let logits = try network.decode(
      .labels(given, shape: shape, context: context), memory: memory, lengths: lengths, cache: nil)
    let factors = try Tensor.values(
      gains.map { -$0 }, shape: [drawn.count, 1, 1], dtype: logits.dtype, context: context)
    return try (logits.logSoftmax() * factors).negativeLogLikelihoodSum(
      labels: .labels(wanted, shape: shape, context: context), ignoreIndex: padding)
  }

  /// Texts up to their end, which is part of them, without dropout and gradients.
  private func written(
    _ memory: Tensor, _ lengths: Tensor, _ width: Int, _ choose: (Tensor) throws -> [Int32]
  ) throws -> [[Int32]] {
    let count = memory.shape[0]
    var texts = [[Int32]](repeating: [], count: count)
    guard count > 0 else { return texts }
    context.isTraining = false
    defer { context.isTraining = true }
    try context.withoutRecording {
      let cache = network.makeCache()
      var last = [Int32](repeating: marks.begin, count: count)
      for _ in 0..<width {
        let logits = try network.decode(
          .labels(last, shape: [count, 1], context: context), memory: memory, lengths: lengths,
          cache: cache)
        last = try choose(logits)
        for row in 0..<count where texts[row].last != marks.end {
          texts[row].append(last[row])
        }
        if texts.allSatisfy({ $0.last == marks.end }) { break }
      }
    }
    return texts
  }

  /// One token for each row by its probability, padding apart.
  private func choice(from logits: Tensor, _ streams: inout [RandomStream]) throws -> [Int32] {
    let (rows, vocabulary) = (logits.shape[0], logits.shape.last)
    let sums = try logits.reshape([rows, vocabulary]).softmax().cumulativeSum(axis: 1)
    return try (0..<rows).map { row in
      let line = try sums.rows(row..<row + 1).doubles
      let padding = Int(marks.padding)
      let before = padding == 0 ? 0 : line[padding - 1]
      let share = line[padding] - before
      var place = streams[row].uniform() * ((line.last ?? 1) - share)
      if place >= before { place += share }
      var (low, high) = (0, vocabulary - 1)
      while low < high {
        let middle = (low + high) / 2
        (low, high) = line[middle] > place ? (low, middle) : (middle + 1, high)
      }
      return Int32(low)
    }
  }

  private func reward(_ text: [Int32], _ target: [Int32]) throws -> Double {
    var counts = BLEU.Counts()
    counts.add(try tokenizer.decode(text), references: [try tokenizer.decode(target)])
    return BLEU(counts).score / 100
  }
}
