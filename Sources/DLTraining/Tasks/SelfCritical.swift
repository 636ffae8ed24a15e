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
///
/// With several draws the loss is their risk: `Σ_rows Σ_k Q_k · (1 - r_k)`, where Q is the softmax of
/// `0.005 · log P` over the different texts. Shen et al. 2016, "Minimum Risk Training for Neural Machine
/// Translation", equations 9 and 10.
struct SelfCritical {
  private let network: any SequenceToSequence
  private let context: Context
  private let tokenizer: any Tokenizer
  private let marks: SentenceMarks
  /// The degree to which likelier texts count more in a risk.
  private static let sharpness = 0.005

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
    func draw(_ number: Int) throws -> [[Int32]] {
      var streams = targets.indices.map { row in
        let drawn = key.child(firstRow + row)
        return RandomStream(number == 0 ? drawn : drawn.child(number))
      }
      return try written(memory, lengths, width) { try choice(from: $0, &streams) }
    }
    let drawn = try draw(0)
    if network.riskSamples > 0 {
      let texts = try [drawn] + (1..<network.riskSamples).map(draw)
      let logs = try texts.map { try likelihoods(of: $0, memory, lengths, width) }
      return try risk(of: texts, .stack(logs, axis: 1), targets)
    }
    let greedy = try written(memory, lengths, width) { logits in
      try logits.argmax().doubles.map { Int32($0) }
    }
    let gains: [Double] = try targets.indices.map { row in
      try reward(greedy[row], targets[row]) - reward(drawn[row], targets[row])
    }
    let (logits, wanted) = try decoded(drawn, memory, lengths, width)
    let factors = try Tensor.values(
      gains.map { -$0 }, shape: [drawn.count, 1, 1], dtype: logits.dtype, context: context)
    return try (logits.logSoftmax() * factors).negativeLogLikelihoodSum(
      labels: wanted, ignoreIndex: marks.padding)
  }

  /// The sum over rows of the expected `1 - r` of texts, by their logarithms of probabilities `[rows,
  /// texts]`; a text that was drawn again counts once.
  private func risk(of texts: [[[Int32]]], _ likelihoods: Tensor, _ targets: [[Int32]]) throws
    -> Tensor
  {
    var (risks, others): ([Double], [Double]) = ([], [])
    for row in targets.indices {
      for (number, text) in texts.enumerated() {
        risks.append(try 1 - reward(text[row], targets[row]))
        others.append(texts[..<number].contains { $0[row] == text[row] } ? -1e9 : 0)
      }
    }
    func values(_ values: [Double]) throws -> Tensor {
      try .values(
        values, shape: likelihoods.shape, dtype: likelihoods.dtype, context: context)
    }
    let shares = try (likelihoods * Self.sharpness + values(others)).softmax()
    return try (shares * values(risks)).sum()
  }

  /// The logarithm of the probability of a text of each row, `[rows]`, recorded.
  private func likelihoods(
    of texts: [[Int32]], _ memory: Tensor, _ lengths: Tensor, _ width: Int
  ) throws -> Tensor {
    let (logits, wanted) = try decoded(texts, memory, lengths, width)
    let counts = texts.flatMap { text in (0..<width).map { $0 < text.count ? 1.0 : 0 } }
    let tokens = try logits.logSoftmax()
      .gather(2, wanted.reshape([texts.count, width, 1])).reshape(wanted.shape)
    let counted = try Tensor.values(
      counts, shape: wanted.shape, dtype: logits.dtype, context: context)
    return try (tokens * counted).sum(axis: 1)
  }

  /// The logits behind every token of a text of each row, and the tokens that follow, filled up.
  private func decoded(
    _ texts: [[Int32]], _ memory: Tensor, _ lengths: Tensor, _ width: Int
  ) throws -> (logits: Tensor, wanted: Tensor) {
    var given = [Int32](repeating: marks.padding, count: texts.count * width)
    var wanted = given
    for (row, text) in texts.enumerated() {
      let begin = row * width
      given.replaceSubrange(
        begin..<begin + text.count, with: [marks.begin] + text.dropLast())
      wanted.replaceSubrange(begin..<begin + text.count, with: text)
    }
    let shape = Shape([texts.count, width])
    let logits = try network.decode(
      .labels(given, shape: shape, context: context), memory: memory, lengths: lengths, cache: nil)
    return (logits, try .labels(wanted, shape: shape, context: context))
  }

  /// Texts up to their end, which is part of them, without dropout and gradients.
  private func written(
    _ memory: Tensor, _ lengths: Tensor, _ width: Int, _ choose: (Tensor) throws -> [Int32]
  ) throws -> [[Int32]] {
    let count = memory.shape[0]
    var texts = [[Int32]](repeating: [], count: count)
    guard count > 0 else { return texts }
    try context.evaluating {
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
