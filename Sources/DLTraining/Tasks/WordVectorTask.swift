import DLCluster
import DLCore
import DLData
import DLLayers
import DLModels
import DLTensor
import Glibc

/// Learns vectors of words by telling a word's neighbors from words that are drawn.
///
/// What is drawn, how far a window reaches, which frequent words are passed over and which words
/// stand against the right one, is keyed by step and row, and the same at each validation.
final class WordVectorTask: NetworkTask {
  private let network: Word2Vec
  private let context: Context
  private let words: WordFrequencies

  var model: Module { network }

  /// Takes the tables of ``Word2Vec``.
  ///
  /// - Throws: `TensorError` where the vocabulary has no counts.
  static func make(_ network: Module, _ input: TaskInput) throws -> (any TrainingTask)? {
    guard let network = network as? Word2Vec else { return nil }
    try input.configuration.requireNoLoss("word2vec")
    let words = try WordFrequencies(
      (input.tokenizer as? WordTokenizer)?.counts, subsample: network.options.subsample)
    return WordVectorTask(network, input.context, words)
  }

  private init(_ network: Word2Vec, _ context: Context, _ words: WordFrequencies) {
    (self.network, self.context, self.words) = (network, context, words)
  }

  func domains(_ row: Batch) -> DataDomains {
    var domains = DataDomains()
    domains.inputs = network.input.inputDomain
    domains.inputTaker = "the vocabulary"
    domains.labels = .any
    return domains
  }

  func denominator(_ batch: Batch, phase: Int) -> Double {
    Double(examples(batch, training: true).starts.count)
  }

  func lossSum(_ batch: Batch, phase: Int) throws -> Tensor {
    try lossSum(examples(batch, training: true))
  }

  func evaluate(_ batch: Batch, into totals: inout ValidationTotals) throws {
    let examples = examples(batch, training: false)
    totals.lossSum += try lossSum(examples).scalar
    totals.denominator += Double(examples.starts.count)
    try totals.add(.own((), .other("which words stand together"), labels: batch.rows))
  }

  private func lossSum(_ examples: Examples) throws -> Tensor {
    let shape: Shape = [examples.starts.count, 1 + network.options.negatives]
    return try network.lossSum(
      given: .labels(examples.given, context: context),
      offsets: .labels(examples.starts, context: context),
      asked: .labels(examples.asked, shape: shape, context: context))
  }

  /// Words that are given, where those of each example begin, and words that are asked for.
  private struct Examples {
    var given: [Int32] = []
    var starts: [Int32] = []
    var asked: [Int32] = []
  }

  private func examples(_ batch: Batch, training: Bool) -> Examples {
    let key = RandomKey(context.seed).child("words").child(training ? context.step : -1)
    let (window, text) = (batch.x.shape[1], batch.x.pointer.assumingMemoryBound(to: Int32.self))
    let radius = window / 2
    var result = Examples()
    for row in 0..<batch.rows {
      var stream = RandomStream(key.child(batch.firstRow + row))
      let reach = 1 + stream.upTo(radius)
      let all = UnsafeBufferPointer(start: text + row * window, count: window)
      guard words.keeps(all[radius], &stream) else { continue }
      let around = (radius - reach...radius + reach).filter {
        $0 != radius && words.keeps(all[$0], &stream)
      }.map { all[$0] }
      switch network.options.kind {
      case .skipGram:
        for word in around { add(word, by: [all[radius]], &stream, to: &result) }
      case .cbow:
        if !around.isEmpty { add(all[radius], by: around, &stream, to: &result) }
      }
    }
    return result
  }

  private func add(
    _ word: Int32, by given: [Int32], _ stream: inout RandomStream, to examples: inout Examples
  ) {
    examples.starts.append(Int32(examples.given.count))
    examples.given += given
    examples.asked.append(word)
    for _ in 0..<network.options.negatives {
      examples.asked.append(words.draw(&stream, except: word))
    }
  }
}

/// The frequencies of words, and what is drawn by them.
private struct WordFrequencies {
  /// The sums of counts to the power of 3/4 up to each word; special tokens count nothing.
  private let sums: [Double]
  /// The probability to take a word into account.
  private let kept: [Double]

  init(_ counts: [Int]?, subsample: Double) throws {
    guard let counts else {
      throw TensorError(
        op: "word2vec",
        "the data's vocabulary has no counts of words; pack the text by dltrain data pack text \(OptionName.words)"
      )
    }
    let known = counts.enumerated().map { word, count in
      word < WordTokenizer.firstWord ? 0 : Double(max(count, 0))
    }
    guard known.count(where: { $0 > 0 }) >= 2 else {
      throw TensorError(
        op: "word2vec", "the vocabulary has fewer than two words; pack a longer text")
    }
    var (sum, sums) = (0.0, [Double]())
    for count in known {
      sum += PortableMath.pow(count, 0.75)
      sums.append(sum)
    }
    self.sums = sums
    let total = known.reduce(0, +)
    kept = known.map { count in
      guard count > 0 else { return 0 }
      guard subsample > 0 else { return 1 }
      let ratio = subsample * total / count
      return min(ratio.squareRoot() + ratio, 1)
    }
  }

  /// Returns whether a word counts this time; one without a number of its own never does.
  func keeps(_ word: Int32, _ stream: inout RandomStream) -> Bool {
    let share = kept.indices.contains(Int(word)) ? kept[Int(word)] : 0
    return share >= 1 || share > 0 && stream.uniform() < share
  }

  /// Another word, by the power of its count.
  func draw(_ stream: inout RandomStream, except word: Int32) -> Int32 {
    while true {
      let place = stream.uniform() * (sums.last ?? 0)
      var (low, high) = (0, sums.count - 1)
      while low < high {
        let middle = (low + high) / 2
        if sums[middle] > place { high = middle } else { low = middle + 1 }
      }
      if low != Int(word) { return Int32(low) }
    }
  }
}
