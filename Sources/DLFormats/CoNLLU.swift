import DLCore

/// Annotated sentences in the format CoNLL-U of Universal Dependencies.
///
/// A word a line, ten columns parted by tabs, an empty line behind each sentence, comments after `#`.
/// Lines of several words (`1-2`) and empty nodes (`1.1`) are passed over.
/// https://universaldependencies.org/format.html
package struct CoNLLUFile: Sendable {
  /// The columns that say what a word is.
  package enum Column: String, Sendable, CaseIterable {
    /// The universal part of speech.
    case upos
    /// The part of speech by the language's own set.
    case xpos
    /// The relation to the head.
    case deprel

    fileprivate var index: Int {
      switch self {
      case .upos: 3
      case .xpos: 4
      case .deprel: 7
      }
    }
  }

  /// A word of a sentence.
  package struct Word: Sendable, Hashable {
    /// The word as it stands in the text.
    package let form: ScalarString
    /// The column's text for it; nil where it says nothing (`_`).
    package let tag: ScalarString?
  }

  /// The path as the caller gave it.
  package let path: String
  /// The words of each sentence.
  package let sentences: [[Word]]

  /// Reads a file.
  ///
  /// - Throws: `FormatError` naming the line at fault.
  package init(path: String, column: Column = .upos) throws {
    self.path = path
    var sentences: [[Word]] = []
    var words: [Word] = []
    for (index, line) in try TextFile.lines(of: path).enumerated() {
      func fault(_ what: String) -> FormatError {
        FormatError(.content, file: path, "line \(index + 1) \(what)", advice: "correct it")
      }
      if line.isEmpty {
        if !words.isEmpty { sentences.append(words) }
        words = []
        continue
      }
      if line.begins(with: "#") { continue }
      let cells = line.parts(at: "\t")
      guard cells.count == 10 else {
        throw fault("has \(counted(cells.count, "column")), a word of CoNLL-U has 10")
      }
      switch Self.number(cells[0]) {
      case .none: throw fault("begins with \"\(cells[0].prefix(20))\", which numbers no word")
      case .some(.none): continue
      case .some(.some(let number)):
        guard number == words.count + 1 else {
          throw fault("has the word \(number) where \(words.count + 1) is due")
        }
      }
      let tag = cells[column.index]
      guard !cells[1].isEmpty, !tag.isEmpty else { throw fault("has an empty column") }
      words.append(
        Word(form: ScalarString(cells[1]), tag: tag == "_" ? nil : ScalarString(tag)))
    }
    if !words.isEmpty { sentences.append(words) }
    guard !sentences.isEmpty else {
      throw FormatError(
        .content, file: path, "holds no sentences", advice: "give a file of CoNLL-U")
    }
    self.sentences = sentences
  }

  /// The number of a word; nil within for several words or an empty node, nil for what is neither.
  private static func number(_ text: Substring) -> Int?? {
    for separator: Unicode.Scalar in ["-", "."] {
      let parts = text.parts(at: separator)
      if parts.count == 2 { return parts.allSatisfy { digits($0) != nil } ? .some(nil) : nil }
    }
    return digits(text).map { .some($0) }
  }

  private static func digits(_ text: Substring) -> Int? {
    text.utf8.allSatisfy { (0x30...0x39).contains($0) } ? Int(text) : nil
  }
}
