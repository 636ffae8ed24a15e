import DLCore
import DLFormats

/// A data set file by which others are packed, so that their numbers stand for the same.
struct PackLike {
  let file: SafetensorsFile
  var path: String { file.path }

  /// Opens the file.
  ///
  /// - Throws: `FormatError` where it cannot be read.
  init(_ path: String) throws { file = try SafetensorsFile(path: PackLike.file(of: path)) }

  /// The file of a name: the shipped one of `embedded:NAME`, or a checkpoint of a run folder, all of
  /// which say the same of its data.
  static func file(of path: String) throws -> String {
    let checkpoints = path + "/checkpoints"
    let steps =
      File.isFolder(checkpoints)
      ? try File.list(checkpoints).filter { $0.hasPrefix("step-") && $0.hasSuffix(".safetensors") }
      : []
    return try steps.max().map { "\(checkpoints)/\($0)" } ?? EmbeddedData.resolve(path)
  }

  /// The shape of a row: that of x, or of a checkpoint the network's input.
  private var rowShape: [Int]? {
    if let x = file["x"] { return Array(x.shape.dropFirst()) }
    let sizes = file.metadata["input_shape"]?.parts(at: ",").map { Int($0) }
    return sizes.flatMap { $0.contains(nil) ? nil : $0.compactMap { $0 } }
  }

  /// The names of the classes, and the shape of an image; throws a content error where there are
  /// none.
  func images() throws -> (names: ClassNames, shape: [Int]) {
    guard let names = try ClassNames.read(file), let shape = rowShape, shape.count == 3 else {
      throw FormatError(
        .content, file: path, "holds no images with class_names",
        advice: "name a file made by dltrain data pack images")
    }
    return (names, shape)
  }

  /// The numbers of classes by the file's names; throws a content error that names a class which the
  /// file lacks.
  func numbers(of classes: [String], source: String) throws -> (names: [String], labels: [Int32]) {
    let names = try images().names.names
    return (names, try Self.numbers(of: classes, among: names, of: path, source: source))
  }

  /// The numbers of classes by the file's names, whatever its rows are.
  func numbersOfClasses(_ classes: [String], source: String) throws -> (
    names: [String], labels: [Int32]
  ) {
    let names = try self.classes().names
    return (names, try Self.numbers(of: classes, among: names, of: path, source: source))
  }

  /// The numbers of classes among names, which are those of the file `path`; throws a content error
  /// that names a class which is none of them.
  static func numbers(
    of classes: [String], among names: [String], of path: String, source: String
  ) throws -> [Int32] {
    let places = Dictionary(
      names.enumerated().map { (ScalarString($1), Int32($0)) },
      uniquingKeysWith: { first, _ in first })
    return try classes.map { name in
      guard let label = places[ScalarString(name)] else {
        throw FormatError(
          .content, file: source, "has the class \"\(name)\", which \(path) lacks",
          advice: "leave it out, or pack both together")
      }
      return label
    }
  }

  /// The names of the classes; throws a content error where there are none.
  func classes() throws -> ClassNames {
    guard let names = try ClassNames.read(file) else {
      throw FormatError(
        .content, file: path, "holds no class_names",
        advice: "name a file that was packed with them")
    }
    return names
  }

  /// The vocabulary of words; throws a content error where there is none.
  func words() throws -> WordTokenizer {
    guard let words = try TokenizerFile.read(path: path) as? WordTokenizer else {
      throw FormatError(
        .content, file: path, "holds a tokenizer of another kind",
        advice: "name a file made by dltrain data pack sentences or conllu")
    }
    return words
  }

  /// The tokenizer that its rows were made by; throws a content error where there is none.
  func rows() throws -> any RowTokenizer {
    try TokenizerFile.read(path: path) as? HuggingFaceTokenizer ?? words()
  }

  /// The length of its rows; throws a content error where they have none.
  func length() throws -> Int {
    guard let length = rowShape?.first, length > 0 else {
      throw FormatError(
        .content, file: path, "holds no rows of a length",
        advice: "name a file that was packed alike")
    }
    return length
  }

  /// The file's tokenizer, once it is known to express a text; throws a content error that names the
  /// first character which it lacks.
  func tokenizer(for text: String, source: String) throws -> any Tokenizer {
    let tokenizer = try TokenizerFile.read(path: path)
    guard let characters = tokenizer as? CharacterTokenizer else { return tokenizer }
    let known = Set(characters.characters)
    var line = 1
    for scalar in text.unicodeScalars {
      guard known.contains(scalar) else {
        let code = String(scalar.value, radix: 16, uppercase: true)
        throw FormatError(
          .content, file: source,
          "line \(line) has the character \"\(String(scalar))\" (U+\(code)), which \(path) lacks",
          advice: "leave it out, or pack both texts as one")
      }
      if scalar == "\n" { line += 1 }
    }
    return tokenizer
  }
}
