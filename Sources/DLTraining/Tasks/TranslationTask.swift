import DLCluster
import DLData
import DLLayers
import DLModels
import DLTensor

/// A model that learns to translate rows of tokens, judged by the BLEU of its translations.
///
/// x are source tokens and y target tokens, both padded behind their end; a target begins with the
/// start token and ends with the end token. The model sees a target without its last token and
/// learns its next ones.
final class TranslationTask: NetworkTask, AttentiveTask {
  private let network: any SequenceToSequence
  private let context: Context
  private let tokenizer: any Tokenizer
  private let marks: SentenceMarks
  private let loss: CrossEntropy
  /// Tokens that a translation may have beyond its source.
  private static let extraTokens = 50

  var model: Module { network }

  /// Takes an encoder with its decoder.
  static func make(_ network: Module, _ input: TaskInput) throws -> (any TrainingTask)? {
    guard let network = network as? any SequenceToSequence else { return nil }
    try input.configuration.requireNoLoss("a translation model")
    return try TranslationTask(network, tokenizer: input.tokenizer, context: input.context)
  }

  init(_ network: any SequenceToSequence, tokenizer: (any Tokenizer)?, context: Context) throws {
    guard let tokenizer, let marks = tokenizer.marks else {
      throw TensorError(op: "model", "translation needs pieces of words; pack parallel text")
    }
    self.network = network
    self.context = context
    self.tokenizer = tokenizer
    self.marks = marks
    loss = CrossEntropy(
      labelSmoothing: network.labelSmoothing, ignoreIndex: marks.padding)
  }

  func domains(_ row: Batch) -> DataDomains {
    var domains = DataDomains()
    // What stands behind padding would be left out in silence.
    domains.inputs = .sequences(
      classes: tokenizer.count, blank: Int(marks.padding), steps: nil)
    domains.labels = domains.inputs
    (domains.inputTaker, domains.labelTaker) = ("the vocabulary", "the vocabulary")
    return domains
  }

  func denominator(_ batch: Batch, phase: Int) throws -> Double {
    Double(eachRow(batch.y) { max($0.count - 1, 0) }.reduce(0, +))
  }

  func lossSum(_ batch: Batch, phase: Int) throws -> Tensor {
    // As wide on every rank: what dropout draws for the weights of attention depends on it.
    try sum(
      rows(batch.x), rows(batch.y), loss, width: batch.longestRow ?? batch.y.shape[1],
      firstRow: batch.firstRow)
  }

  func evaluate(_ batch: Batch, into totals: inout ValidationTotals) throws {
    let (sources, targets) = (rows(batch.x), rows(batch.y))
    let plain = CrossEntropy(ignoreIndex: marks.padding)
    totals.lossSum += try sum(sources, targets, plain).scalar
    totals.denominator += try denominator(batch, phase: 0)
    try totals.add(.texts(candidates: translate(sources), references: targets.map(text)))
  }

  func defaultMetrics(_ kind: PredictionKind) -> [any MetricSpec] { [BLEUMetric()] }

  func predictions(_ batch: Batch) throws -> Predictions {
    .lines(try translate(rows(batch.x)))
  }

  func attention(_ batch: Batch) throws -> [AttentionTable] {
    let sources = rows(batch.x)
    let lengths = try Tensor.labels(
      sources.map { Int32($0.count) }, shape: [sources.count], context: context)
    let targets = try translated(sources).map { [marks.begin] + $0 }
    let memory = try network.encode(padded(sources), lengths: lengths)
    guard let weights = try network.attention(padded(targets), memory: memory, lengths: lengths)
    else { return [] }
    return try zip(sources, targets).enumerated().map { row, texts in
      let table = try weights.rows(row..<row + 1).doubles
      let width = weights.shape[2]
      return AttentionTable(
        source: try texts.0.map(piece),
        target: try (texts.1.dropFirst() + [marks.end]).map(piece),
        weights: texts.1.indices.map { place in
          Array(table[place * width..<place * width + texts.0.count])
        })
    }
  }

  /// The text that a token stands for.
  private func piece(_ token: Int32) throws -> String {
    token == marks.end ? "</s>" : try tokenizer.decode([token])
  }

  /// The translations of source rows as text.
  private func translate(_ sources: [[Int32]]) throws -> [String] {
    try translated(sources).map { try tokenizer.decode($0) }
  }

  /// The translations of source rows.
  private func translated(_ sources: [[Int32]]) throws -> [[Int32]] {
    if let network = network as? any NonAutoregressive {
      let search = LengthSearch(
        network, context: context, width: network.beam, marks: marks)
      return try search(
        padded(sources), lengths: sources.map { Int32($0.count) },
        extra: TranslationTask.extraTokens)
    }
    let search = BeamSearch(
      network, context: context, width: network.beam, start: marks.begin,
      end: marks.end)
    return try search(
      padded(sources), lengths: sources.map { Int32($0.count) },
      extra: TranslationTask.extraTokens)
  }

  private func sum(
    _ sources: [[Int32]], _ targets: [[Int32]], _ loss: CrossEntropy, width: Int? = nil,
    firstRow: Int? = nil
  )
    throws -> Tensor
  {
    let lengths = try Tensor.labels(
      sources.map { Int32($0.count) }, shape: [sources.count], context: context)
    let memory = try network.encode(padded(sources, width: width), lengths: lengths)
    let likelihood = try likelihood(
      sources, targets, memory, lengths, loss, width: width, firstRow: firstRow)
    guard let firstRow, let width, network.selfCritical > 0 else { return likelihood }
    let drawn = try SelfCritical(network, context: context, tokenizer: tokenizer, marks: marks).sum(
      memory, lengths, targets: targets, width: width, firstRow: firstRow)
    return try likelihood * (1 - network.selfCritical) + drawn * network.selfCritical
  }

  /// The cost of the right tokens, with what the network adds to that where it learns.
  private func likelihood(
    _ sources: [[Int32]], _ targets: [[Int32]], _ memory: Tensor, _ lengths: Tensor,
    _ loss: CrossEntropy, width: Int?, firstRow: Int?
  ) throws -> Tensor {
    let given = try padded(targets.map { Array($0.dropLast()) }, width: width)
    let wanted = try padded(targets.map { Array($0.dropFirst()) }, width: width)
    guard let firstRow else {
      return try loss.sum(
        network.decode(given, memory: memory, lengths: lengths, cache: nil), wanted)
    }
    try putOwnChoices(into: given, memory, lengths, firstRow: firstRow)
    let places = targets.map { max($0.count - 1, 0) }
    if let guide = network.guidedAttention {
      let (logits, attention) = try network.decodeWithAttention(
        given, memory: memory, lengths: lengths)
      let sum = try loss.sum(logits, wanted)
      guard let attention else { return sum }
      return try sum + guide.sum(attention, sources: sources.map(\.count), targets: places)
    }
    let sum = try loss.sum(
      network.decode(given, memory: memory, lengths: lengths, cache: nil), wanted)
    guard let network = network as? any NonAutoregressive else { return sum }
    let longer = zip(sources, places).map { source, target in
      Int32(min(max(target - source.count, -network.reach), network.reach) + network.reach)
    }
    return try sum
      + network.lengthLogits(memory, lengths: lengths)
      .crossEntropySum(labels: .labels(longer, shape: [longer.count], context: context))
  }

  /// Replaces some of the tokens that the decoder is given by those that it finds likeliest behind the
  /// ones before, which may have been replaced too.
  ///
  /// Scheduled sampling (Bengio et al. 2015): the choices are made without dropout, token by token, and no gradient
  /// flows through them. Which tokens are replaced is keyed by step and row.
  private func putOwnChoices(
    into given: Tensor, _ memory: Tensor, _ lengths: Tensor, firstRow: Int
  ) throws {
    let share = network.ownShare(step: context.step)
    let (rows, width) = (given.shape[0], given.shape[1])
    guard share > 0, rows > 0 else { return }
    let key = RandomKey(context.seed).child("sampling").child(context.step)
    var streams = (0..<rows).map { RandomStream(key.child(firstRow + $0)) }
    let tokens = given.pointer.assumingMemoryBound(to: Int32.self)
    try context.evaluating {
      let cache = network.makeCache()
      for place in 1..<max(width, 1) {
        let last = (0..<rows).map { tokens[$0 * width + place - 1] }
        let logits = try network.decode(
          .labels(last, shape: [rows, 1], context: context), memory: memory, lengths: lengths,
          cache: cache)
        let best = try logits.argmax().pointer.assumingMemoryBound(to: Int32.self)
        for row in 0..<rows {
          let isReplaced = streams[row].uniform() < share
          let here = row * width + place
          if isReplaced, tokens[here] != marks.padding { tokens[here] = best[row] }
        }
      }
    }
  }

  /// The rows of a batch without their padding.
  private func rows(_ tokens: Tensor) -> [[Int32]] { eachRow(tokens) { Array($0) } }

  private func eachRow<Result>(
    _ tokens: Tensor, _ body: (Slice<UnsafeBufferPointer<Int32>>) -> Result
  ) -> [Result] {
    let width = tokens.shape[1]
    return (0..<tokens.shape[0]).map { row in
      let begin = tokens.pointer.assumingMemoryBound(to: Int32.self) + row * width
      let buffer = UnsafeBufferPointer(start: begin, count: width)
      return body(buffer.prefix { $0 != marks.padding })
    }
  }

  /// Rows as one tensor, as wide as the longest of them, or wider.
  private func padded(_ rows: [[Int32]], width: Int? = nil) throws -> Tensor {
    let width = max(rows.map(\.count).max() ?? 0, width ?? 1, 1)
    var tokens = [Int32](repeating: marks.padding, count: rows.count * width)
    for (index, row) in rows.enumerated() {
      tokens.replaceSubrange(index * width..<index * width + row.count, with: row)
    }
    return try Tensor.labels(tokens, shape: [rows.count, width], context: context)
  }

  private func text(_ tokens: [Int32]) throws -> String {
    try tokenizer.decode(
      tokens.filter { $0 != marks.begin && $0 != marks.end })
  }
}
