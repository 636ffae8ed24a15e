import DLConfiguration

/// The loss of a job: `{cross_entropy: {label_smoothing: 0.1}}`, or the bare word `mse`.
public struct LossConfiguration: ConfigurationCodable {
  /// The loss, one of the types in ``words``.
  public let loss: any LossWord

  /// Makes the configuration of a loss.
  public init(_ loss: some LossWord) { self.loss = loss }

  private init(any loss: any LossWord) { self.loss = loss }

  /// The word as written in the file.
  public var word: String { type(of: loss).word }

  /// Losses are equal when their words and options are.
  public static func == (a: Self, b: Self) -> Bool {
    func equal<Word: LossWord>(_ loss: Word) -> Bool { b.loss as? Word == loss }
    return equal(a.loss)
  }

  /// Reads a bare word or a mapping of one key.
  public static func read(
    _ node: ConfigurationNode, at path: String, rule: ConfigurationRule,
    faults: inout ConfigurationFaults
  ) -> Self? {
    guard
      let (index, options) = node.chosenWord(
        among: words.map { $0.word }, "loss", example: "mse or {huber: {delta: 2}}", at: path,
        faults: &faults)
    else { return nil }
    let type = words[index]
    return type.read(options, at: "\(path).\(type.word)", rule: .none, faults: &faults)
      .map { Self(any: $0) }
  }

  /// The bare word of a loss without options, else a mapping of one key.
  public var node: ConfigurationNode {
    guard case .mapping(let options) = loss.node.value, !options.isEmpty else { return word.node }
    return .init(.mapping([.init(word, loss.node)]))
  }

  /// A bare word, or an object of one word.
  public static func schema(_ rule: ConfigurationRule) -> ConfigurationNode {
    .choiceSchema(words.map { ($0.word, $0.schema(.none)) })
  }
}
