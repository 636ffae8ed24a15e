/// The words of a command line, options apart from the others.
struct ProgramArguments {
  /// What is no option, in order.
  private(set) var words: [String] = []
  /// The values of each option, in order.
  private var values: [String: [String]] = [:]

  /// Reads `--name VALUE`, `--name=VALUE` and `-n VALUE`.
  ///
  /// - Parameter names: the options that there are, with those of one letter in `short`.
  /// - Throws: `UsageError` for an option that there is not, or that has no value.
  init(_ arguments: some Sequence<String>, names: [String], short: [String: String] = [:]) throws {
    var rest = Array(arguments)[...]
    while let word = rest.popFirst() {
      guard word.hasPrefix("-"), word != "-" else {
        words.append(word)
        continue
      }
      let parts = word.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
      let name = short[String(parts[0])] ?? String(parts[0])
      guard names.contains(name) else {
        throw UsageError("\(parts[0]): unknown option; see --help")
      }
      if parts.count == 2 {
        values[name, default: []].append(String(parts[1]))
      } else if let next = rest.popFirst() {
        values[name, default: []].append(next)
      } else {
        throw UsageError("\(parts[0]): no value; see --help")
      }
    }
  }

  /// All values of an option.
  func all(_ name: String) -> [String] { values[name] ?? [] }

  /// The last value of an option; nil where it is not given.
  func text(_ name: String) -> String? { values[name]?.last }

  /// The same as a number.
  func number<Value: LosslessStringConvertible>(_ name: String) throws -> Value? {
    guard let text = text(name) else { return nil }
    guard let number = Value(text) else {
      throw UsageError("\(name) \(text): expected a number")
    }
    return number
  }

  /// The words, of which there are as many as names, or fewer down to `least`.
  func words(_ names: [String], atLeast least: Int) throws -> [String] {
    if words.count > names.count {
      throw UsageError("\(words[names.count]): unexpected; see --help")
    }
    if words.count < least { throw UsageError("\(names[words.count]): missing; see --help") }
    return words
  }
}
