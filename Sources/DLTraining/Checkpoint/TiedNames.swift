import DLCore
import DLFormats
import DLLayers

/// The further names of weights that several modules share, as a checkpoint notes them.
struct TiedNames {
  /// The first name of each further one.
  let first: [ScalarString: String]

  static let key = "tied"

  /// Those of a model; nil where nothing is shared.
  init?(_ arena: ParameterArena) {
    let pairs =
      arena.tiedNames.map { (ScalarString($0.name), $0.parameter.name) }
      + arena.tiedBufferNames.map { (ScalarString($0.name), $0.buffer.name) }
    guard !pairs.isEmpty else { return nil }
    first = Dictionary(pairs) { one, _ in one }
  }

  /// Those that a checkpoint notes, as far as it holds both names; nil where it notes none, as one of an
  /// earlier version.
  ///
  /// - Throws: `FormatError` where the note is no JSON.
  init?(of file: SafetensorsFile) throws {
    guard let text = file.metadata[Self.key] else { return nil }
    let members = try JSON(parsing: text, file: file.path).members ?? []
    let pairs = members.compactMap { member -> (ScalarString, String)? in
      guard let name = member.value.string, file[name] != nil, file[member.key] != nil,
        !name.hasScalars(of: member.key)
      else { return nil }
      return (ScalarString(member.key), name)
    }
    let further = Set(pairs.map(\.0))
    // What is written under no name of its own keeps the one that it has.
    first = Dictionary(pairs.filter { !further.contains(ScalarString($0.1)) }) { one, _ in one }
  }

  /// A JSON object of the first names by the further ones.
  var text: String {
    JSON.object(
      first.sorted { $0.key < $1.key }.map { JSON.Member($0.key.description, .string($0.value)) }
    ).description
  }

  /// The same as entries of a file's metadata.
  var metadata: [String: String] {
    Dictionary(first.map { ($0.key.description, $0.value) }) { one, _ in one }
  }
}
