import DLCore
import DLFormats

/// A data set file by which others are packed, so that their numbers stand for the same.
struct PackLike {
  let file: SafetensorsFile
  var path: String { file.path }

  /// Opens the file.
  init(_ path: String) throws { file = try SafetensorsFile(path: path) }

  /// The names of the classes, and the shape of an image; throws a content error where there are
  /// none.
  func images() throws -> (names: ClassNames, shape: [Int]) {
    guard let names = try ClassNames.read(file), let x = file["x"], x.shape.count == 4 else {
      throw FormatError(
        .content, file: path, "holds no images with class_names",
        advice: "name a file made by dltrain data pack images")
    }
    return (names, Array(x.shape.dropFirst()))
  }

  /// The numbers of classes by the file's names; throws a content error that names a class which the
  /// file lacks.
  func numbers(of classes: [String], source: String) throws -> (names: [String], labels: [Int32]) {
    let names = try images().names.names
    let places = Dictionary(
      names.enumerated().map { (Array($1.utf8), Int32($0)) },
      uniquingKeysWith: { first, _ in first })
    let labels = try classes.map { name in
      guard let label = places[Array(name.utf8)] else {
        throw FormatError(
          .content, file: source, "has the class \"\(name)\", which \(path) lacks",
          advice: "leave it out, or pack both together")
      }
      return label
    }
    return (names, labels)
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
