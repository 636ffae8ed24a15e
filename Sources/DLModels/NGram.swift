import DLConfiguration
import DLLayers
import DLTensor
import Glibc

/// An n-gram model: the probability of a token behind the `order - 1` tokens before it, from counts.
///
/// The counts are of all n-grams of the training text, by one pass of sums. Where a window has begun
/// more recently, the model of fewer tokens is asked. With c for counts, V for the vocabulary, `h` for
/// the tokens before and `h'` for those without the first:
/// `add_k`: `(c(h w) + k) / (c(h) + k V)`.
/// `interpolated`: `λ c(h w) / c(h) + (1 - λ) p(w | h')` (Jelinek and Mercer 1980), 1 / V at the end.
/// `kneser_ney`: `max(c(h w) - d, 0) / c(h) + d N(h ·) / c(h) · p(w | h')`, N the number of different
/// tokens; the models of fewer tokens count the different tokens in front of `h' w` in place of its
/// occurrences (Kneser and Ney 1995; Chen and Goodman 1999, section 4.1).
package struct NGramOptions: ModelSpec {
  package static var name: String { "ngram" }

  /// The rule by which unseen n-grams get their share.
  package enum Smoothing: String, ConfigurationWord {
    /// By counting each n-gram k times more.
    case addK = "add_k"
    /// By models of fewer tokens, at a fixed share.
    case interpolated
    /// By models of fewer tokens, at the share that discounts leave, which count in how many ways
    /// a token goes on.
    case kneserNey = "kneser_ney"
  }

  /// Tokens of an n-gram.
  package var order = 3
  /// The rule by which unseen n-grams get their share.
  package var smoothing = Smoothing.kneserNey
  /// The number that is added to each count.
  package var k = 1.0
  /// The share of the longest n-grams.
  package var lambda = 0.75
  /// The number that is taken off each count.
  package var discount = 0.75

  package init() {}

  package static var fields: [ConfigurationField<Self>] {
    [
      .init("order", \.order, .within(1...16), "tokens of an n-gram, the predicted one included"),
      .init(
        "smoothing", \.smoothing,
        "how unseen n-grams get their share: add_k, interpolated or kneser_ney"),
      .init("k", \.k, .above(0), "what add_k adds to each count"),
      .init("lambda", \.lambda, .within(0..<1), "share of the longer n-grams in interpolated"),
      .init("discount", \.discount, .within(0...1), "what kneser_ney takes off each count"),
    ]
  }

  /// Makes the network for windows of tokens.
  ///
  /// - Throws: ``TensorError`` for rows that are not `[time]` tokens with classes, for windows
  ///   shorter than `order - 1` tokens, or where there are more counts than are kept.
  package func network(for input: Shape, classes: Int?) throws -> Module {
    let vocabulary = try ModelRegistry.requireTokens(Self.name, input, classes)
    guard PortableMath.pow(Double(vocabulary), Double(order)) <= Double(NGram.maximumCounts) else {
      throw TensorError(
        op: Self.name,
        "\(vocabulary) tokens to the power of \(order) are more counts than are kept, "
          + "\(NGram.maximumCounts); lower model.order or pack fewer tokens")
    }
    guard input[0] >= order - 1 else {
      throw TensorError(
        op: Self.name, "order \(order) needs windows of \(order - 1) tokens; raise data.window")
    }
    return NGram(vocabulary: vocabulary, window: input[0], self)
  }
}

/// The network of ``NGramOptions``: tokens `[batch, time]` to logarithms of probabilities
/// `[batch, time, vocabulary]`.
package final class NGram: Module, FittedBySums, LanguageModel {
  /// The most counts of a model.
  static let maximumCounts = 1 << 25

  /// The logarithm of the probability of each token, `[contexts, vocabulary]`, behind no token, behind
  /// each token, behind each two and so on.
  package let logProbabilities: Parameter
  let vocabulary: Int
  private let window: Int
  private let options: NGramOptions
  /// Tokens of an n-gram.
  var order: Int { options.order }

  /// Makes a model of equal probabilities.
  ///
  /// - Parameter window: the tokens of a training row, `order - 1` or more.
  package init(vocabulary: Int, window: Int, _ options: NGramOptions) {
    (self.vocabulary, self.window, self.options) = (vocabulary, window, options)
    let contexts = Self.first(behind: options.order, vocabulary)
    logProbabilities = Parameter([contexts, vocabulary], initializer: .zeros)
  }

  /// The row of the first context of so many tokens.
  static func first(behind tokens: Int, _ vocabulary: Int) -> Int {
    (0..<tokens).reduce(0) { rows, _ in rows * vocabulary + 1 }
  }

  /// Looks the tokens before each position's next one up.
  ///
  /// - Throws: ``TensorError`` for another type or rank than int32 `[batch, time]`, for a token
  ///   outside the vocabulary, or where there is no memory.
  package func forward(_ x: Tensor) throws -> Tensor {
    guard x.dtype == .int32, x.shape.rank == 2 else {
      throw TensorError(
        op: NGramOptions.name, "input is \(x.dtype) \(x.shape), expected int32 [batch, time]")
    }
    let (time, tokens) = (x.shape[1], x.pointer.assumingMemoryBound(to: Int32.self))
    let places = try Tensor.empty(x.shape, dtype: .int32, context: x.context)
    let target = places.pointer.assumingMemoryBound(to: Int32.self)
    for place in 0..<x.count {
      let length = min(place % time + 1, options.order - 1)
      let text = UnsafeBufferPointer(start: tokens + place + 1 - length, count: length)
      target[place] = Int32(try row(behind: text))
    }
    return try places.embedding(logProbabilities.value)
  }

  /// The row of a context.
  private func row(behind tokens: some Collection<Int32>) throws -> Int {
    var code = 0
    for token in tokens {
      guard token >= 0, Int(token) < vocabulary else {
        throw TensorError(
          op: NGramOptions.name, "token \(token) is none of the \(vocabulary)", exitCode: .data)
      }
      code = code * vocabulary + Int(token)
    }
    return Self.first(behind: tokens.count, vocabulary) + code
  }

  /// The tokens of the vocabulary.
  package var inputDomain: ValueDomain { .indices(count: vocabulary) }

  /// The output's shape without its batch axis.
  ///
  /// - Throws: nothing.
  package func outputShape(for input: Shape) throws -> Shape { [input[0], vocabulary] }

  /// The number of products, which is 0: rows are looked up.
  package func multiplyAdds(input: Shape, output: Shape) -> Int { 0 }

  /// The counts of the longest n-grams.
  package func sumCount() -> Int { (0..<options.order).reduce(1) { size, _ in size * vocabulary } }

  /// Counts are whole numbers.
  package var sumsAreWhole: Bool { true }

  /// Counts the last n-gram of each window: those of all windows are the text's, each once.
  package func addSums(
    of inputs: UnsafeBufferPointer<Double>, labels: UnsafeBufferPointer<Int32>,
    to sums: UnsafeMutableBufferPointer<Double>
  ) {
    // Rows have a label for each token.
    guard inputs.count == labels.count else { return }
    for end in stride(from: window, through: labels.count, by: window) {
      var code = 0
      for token in inputs[(end - options.order + 1)..<end] { code = code * vocabulary + Int(token) }
      sums[code * vocabulary + Int(labels[end - 1])] += 1
    }
  }

  /// Makes probabilities of the counts.
  ///
  /// - Throws: ``TensorError`` where all counts are 0, or before the model has an arena.
  package func fit(_ sums: [Double]) throws {
    guard sums.contains(where: { $0 > 0 }) else {
      throw TensorError(op: NGramOptions.name, "the text has no n-grams; give a longer one")
    }
    // The counts of fewer tokens, the longest last.
    var counts = [sums]
    while counts.count < options.order, let longer = counts.first {
      counts.insert(shortened(longer), at: 0)
    }
    var probabilities: [[Double]] = []
    var shorter = [Double](repeating: 1 / Double(vocabulary), count: vocabulary)
    for table in counts {
      shorter = smoothed(table, shorter)
      probabilities.append(shorter)
    }
    try logProbabilities.value.assign(probabilities.flatMap { $0.map { PortableMath.log($0) } })
  }

  /// The counts without the first token: occurrences, or the different tokens that it was.
  private func shortened(_ counts: [Double]) -> [Double] {
    let size = counts.count / vocabulary
    var result = [Double](repeating: 0, count: size)
    let countsKinds = options.smoothing == .kneserNey
    for (place, count) in counts.enumerated() where count > 0 {
      result[place % size] += countsKinds ? 1 : count
    }
    return result
  }

  /// The probabilities of a table of counts, context by context; `shorter` are those of contexts
  /// without their first token.
  private func smoothed(_ counts: [Double], _ shorter: [Double]) -> [Double] {
    var result = counts
    for start in stride(from: 0, to: counts.count, by: vocabulary) {
      let row = start..<start + vocabulary
      let total = counts[row].reduce(0, +)
      let kinds = Double(counts[row].count { $0 > 0 })
      for place in row {
        let rest = shorter[place % shorter.count]
        result[place] = share(of: counts[place], among: total, kinds: kinds, rest: rest)
      }
    }
    return result
  }

  /// The probability of a token with a count among those of its context.
  private func share(of count: Double, among total: Double, kinds: Double, rest: Double) -> Double {
    if options.smoothing == .addK {
      return (count + options.k) / (total + options.k * Double(vocabulary))
    }
    guard total > 0 else { return rest }
    if options.smoothing == .interpolated {
      return options.lambda * count / total + (1 - options.lambda) * rest
    }
    return (max(count - options.discount, 0) + options.discount * kinds * rest) / total
  }

  /// Starts a text.
  ///
  /// - Throws: nothing; the session throws ``TensorError`` for a token outside the vocabulary.
  package func continuation(in context: Context) throws -> any DecodingSession {
    NGramContinuation { [self] tokens in
      let width = options.order - 1
      let place = try row(behind: tokens.suffix(width))
      return try logProbabilities.value.rows(place..<place + 1).doubles
    }
  }
}

/// A text of which an n-gram model sees the end.
private final class NGramContinuation: DecodingSession {
  private let probabilities: ([Int32]) throws -> [Double]
  private var text: [Int32] = []

  init(_ probabilities: @escaping ([Int32]) throws -> [Double]) {
    self.probabilities = probabilities
  }

  func feed(_ tokens: [Int32]) throws -> [Double] {
    text = (text + tokens).suffix(16)
    return try probabilities(text)
  }
}
