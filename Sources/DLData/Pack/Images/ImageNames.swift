import DLCore
import DLFormats

/// The rule by which files below a folder or in an archive are images, by their names alone: one
/// for both.
struct ImageNames {
  /// A verdict on a file by its name.
  enum Verdict {
    case image
    /// No image; to be told of.
    case other
    /// A part of its path begins with a dot, as that of `.ipynb_checkpoints` or `._photo.jpg`.
    case hidden
  }

  /// The paths of the images, in the order in which they came.
  private(set) var paths: [String] = []
  /// The first file that is no image by its name and not hidden, and the number of such files.
  private(set) var passedOver: (first: String?, count: Int) = (nil, 0)

  /// Takes the path of a file below the folder or in the archive, and says what it is.
  mutating func take(_ path: String) -> Verdict {
    let verdict = Self.verdict(path)
    switch verdict {
    case .image: paths.append(path)
    case .other: passedOver = (passedOver.first ?? path, passedOver.count + 1)
    case .hidden: break
    }
    return verdict
  }

  /// The verdict on a file by its path.
  static func verdict(_ path: String) -> Verdict {
    let parts = parts(path)
    if parts.contains(where: { isHidden($0.text) && $0 != ".." }) { return .hidden }
    let name = parts.last.map { Array($0.text.utf8.suffix(5)) } ?? []
    let ending = String(
      decoding: name.map { (65...90).contains($0) ? $0 | 0x20 : $0 }, as: UTF8.self)
    return [".jpg", ".jpeg", ".png"].contains { ending.ends(with: $0) } ? .image : .other
  }

  /// Returns whether a file or folder of this name is hidden.
  static func isHidden(_ name: some StringProtocol) -> Bool { name.begins(with: ".") }

  /// The names on a path; `.`, the folder itself, is none.
  static func parts(_ path: String) -> [ScalarString] {
    path.parts(at: "/", omittingEmpty: true).map { ScalarString($0) }.filter { $0 != "." }
  }

  /// The fault of a name that is not UTF-8, which could not be told from another one.
  static func notText(_ name: String) -> FormatError {
    FormatError(
      .content, file: name, "has a name that is not UTF-8",
      advice: "rename it, as by convmv -f latin1 -t utf-8 --notest")
  }
}
