import DLCore
import DLFormats

/// The WAV files below a folder, and what their names say.
struct SoundListing {
  /// A file.
  struct Sound {
    /// Its path.
    let path: String
    /// The fields of its name.
    let values: [String]
  }

  /// The files, sorted by path.
  private(set) var sounds: [Sound] = []
  /// The first file that is no sound by its name, and the number of these.
  private(set) var passedOver: (first: String?, count: Int) = (nil, 0)

  private static let deepest = 6

  /// Finds all files named `.wav` whose paths have no part that begins with a dot.
  ///
  /// - Throws: `FormatError` for a folder without sounds, and for a name of another form than the
  ///   pattern's.
  init(_ folder: String, _ pattern: NamePattern) throws {
    try walk(folder, "", pattern, depth: 0)
    guard !sounds.isEmpty else {
      throw FormatError(
        .content, file: folder, "holds no .wav files",
        advice: "convert sounds, as by ffmpeg -i FILE FILE.wav")
    }
  }

  private mutating func walk(
    _ folder: String, _ inner: String, _ pattern: NamePattern, depth: Int
  ) throws {
    guard depth <= Self.deepest else {
      throw FormatError(
        .content, file: folder, "lies too deep", advice: "name the folder of the sounds")
    }
    for name in try File.list(folder) where !name.begins(with: ".") {
      let (path, inside) = ("\(folder)/\(name)", inner.isEmpty ? name : "\(inner)/\(name)")
      if try File.kind(of: path) == .folder {
        try walk(path, inside, pattern, depth: depth + 1)
        continue
      }
      guard name.ends(with: ".wav") || name.ends(with: ".WAV") else {
        passedOver = (passedOver.first ?? path, passedOver.count + 1)
        continue
      }
      guard let values = pattern.match((pattern.hasFolders ? inside : name).dropLast(4)) else {
        throw FormatError(
          .content, file: path, "has a name of another form than \(OptionName.label)",
          advice: "give its form, as \(OptionName.label) '{digit}_{speaker}_{index}'")
      }
      sounds.append(Sound(path: path, values: values))
    }
  }
}
