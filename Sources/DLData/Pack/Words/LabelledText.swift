import DLCore
import DLFormats

/// Texts, each of a class or of several.
struct LabelledText {
  /// The words of each text.
  private(set) var words: [[Substring]] = []
  /// The texts as they were.
  private(set) var texts: [Substring] = []
  /// The classes of each: one, or any number where they do not exclude each other.
  private(set) var classes: [[String]] = []
  /// Texts without a word, which are left out.
  private(set) var emptyCount = 0
  /// The first file of a folder that is no text by its name, and the number of these.
  private(set) var passedOver: (first: String?, count: Int) = (nil, 0)
  /// The source that a fault names.
  let source: String

  /// Reads files that are named by their classes, a text a line; or one folder of these, or of folders
  /// that are named by the classes and hold a file for each text; or one file of lines
  /// `CLASS<TAB>TEXT`.
  ///
  /// - Parameter isMultiLabel: true for one file of lines `CLASS,CLASS<TAB>TEXT` alone, with any number
  ///   of classes.
  /// - Throws: `FormatError` for what cannot be read or is arranged otherwise.
  init(_ sources: [String], isMultiLabel: Bool = false) throws {
    source = sources.first ?? ""
    if isMultiLabel, sources.count != 1 || File.isFolder(source) {
      throw DataError("multi-label: needs one file of CLASS,CLASS<TAB>TEXT")
    }
    switch sources.count {
    case 1 where File.isFolder(source): try addFolder(source)
    case 1: try addTable(source, isMultiLabel)
    default: try addFiles(sources)
    }
    guard !words.isEmpty else {
      throw FormatError(
        .content, file: source, "holds no words",
        advice:
          "give CLASS.txt files of a sentence a line, a folder of CLASS/FILE.txt, or a file of "
          + "CLASS<TAB>TEXT")
    }
    guard classes.contains(where: { !$0.isEmpty }) else {
      throw FormatError(
        .content, file: source, "gives no text a class", advice: "name classes in front of the tabs"
      )
    }
  }

  private mutating func add(_ text: Substring, _ labels: [String]) {
    let words = text.words()
    if words.isEmpty {
      emptyCount += 1
      return
    }
    self.words.append(words)
    texts.append(text)
    classes.append(labels)
  }

  private mutating func addTable(_ path: String, _ isMultiLabel: Bool) throws {
    for (index, line) in try TextFile.lines(of: path).enumerated() where !line.isEmpty {
      let parts = line.parts(at: "\t", limit: 1)
      let labels = (isMultiLabel ? parts[0].parts(at: ",") : [parts[0]])
        .map { $0.words().joined(separator: " ") }
      let isNamed = isMultiLabel && labels == [""] || !labels.contains("")
      guard parts.count == 2, isNamed else {
        throw FormatError(
          .content, file: path, "line \(index + 1) is not a class, a tab and a text",
          advice: "correct it; several files of sentences are each a class: neg.txt pos.txt")
      }
      add(parts[1], labels == [""] ? [] : labels)
    }
  }

  private mutating func addFiles(_ paths: [String]) throws {
    let names = paths.map(Self.name)
    guard Set(names.map { ScalarString($0) }).count == names.count else {
      throw DataError("the files of \(names) would be one class, give different names")
    }
    for (path, name) in zip(paths, names) {
      let before = words.count
      for line in try TextFile.lines(of: path) { add(line, [name]) }
      guard words.count > before else {
        throw FormatError(
          .content, file: path, "holds no words, so that there would be no class \"\(name)\"",
          advice: "leave it out")
      }
    }
  }

  private mutating func addFolder(_ folder: String) throws {
    var files: [String] = []
    var folders: [String] = []
    for name in try File.list(folder) where !name.begins(with: ".") {
      let path = "\(folder)/\(name)"
      if try File.kind(of: path) == .folder {
        folders.append(name)
      } else if isText(name, path) {
        files.append(path)
      }
    }
    guard files.isEmpty || folders.isEmpty else {
      throw FormatError(
        .content, file: folder, "holds files and folders",
        advice: "arrange all as CLASS.txt, or all as CLASS/FILE.txt")
    }
    try addFiles(files)
    for name in folders {
      for file in try File.list("\(folder)/\(name)") where !file.begins(with: ".") {
        let path = "\(folder)/\(name)/\(file)"
        if isText(file, path) { add(try TextFile.text(of: path)[...], [name]) }
      }
    }
  }

  private mutating func isText(_ name: String, _ path: String) -> Bool {
    if name.ends(with: ".txt") { return true }
    passedOver = (passedOver.first ?? path, passedOver.count + 1)
    return false
  }

  /// The file's name without what follows its last dot.
  private static func name(_ path: String) -> String {
    let name = File.name(of: path)
    return String(name.unicodeScalars.lastIndex(of: ".").map { name[..<$0] } ?? name[...])
  }
}
