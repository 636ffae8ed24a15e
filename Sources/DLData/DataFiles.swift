import DLCore

/// The files that the name of a data set stands for: one, or several as a shell would have them.
///
/// `part-{0,1}.safetensors` and `part-{000..009}.safetensors` stand for a file each, in their order;
/// `part-*.safetensors` for those of the folder that match, sorted. `{a.safetensors,b.safetensors}` is
/// a list. A file whose name is the text itself is that file. A folder is its pictures; see
/// ``PictureFolder``.
package enum DataFiles {
  /// The most files of one data set.
  static let most = 10_000

  /// The files, in their order; names of embedded data sets are followed.
  ///
  /// - Throws: `DataError` for a pattern that no file matches, or one of too many.
  package static func list(_ name: String) throws -> [String] {
    guard name.utf8.contains(where: { Array("{*?[".utf8).contains($0) }), !File.exists(name) else {
      return [try file(name)]
    }
    let files = try expanded(name).flatMap { path in
      Glob(File.split(path).name).isPlain || File.exists(path)
        ? [try file(path)] : try matches(path).map(file)
    }
    guard !files.isEmpty, files.count <= most else {
      throw DataError("\(name): is \(files.count) files, give 1 to \(most)")
    }
    return files
  }

  private static func file(_ name: String) throws -> String {
    let path = try EmbeddedData.resolve(name)
    return File.isFolder(path) ? try PictureFolder.file(of: path) : path
  }

  private static func matches(_ path: String) throws -> [String] {
    let (folder, name) = File.split(path)
    let pattern = Glob(name)
    let prefix = path.utf8.contains(UInt8(ascii: "/")) ? folder + "/" : ""
    let found = try File.list(folder).filter { pattern.matches($0) && !$0.begins(with: ".") }
    guard !found.isEmpty else {
      throw DataError("\(path): matches no file, check the path", exitCode: .data)
    }
    return found.map { prefix + $0 }
  }

  /// The texts that braces stand for, the last pair varying first.
  private static func expanded(_ text: String) throws -> [String] {
    guard let open = text.firstIndex(of: "{"),
      let close = text[open...].firstIndex(of: "}")
    else { return [text] }
    let (head, inner) = (text[..<open], text[text.index(after: open)..<close])
    let tails = try expanded(String(text[text.index(after: close)...]))
    let choices = try range(inner) ?? inner.parts(at: ",").map(String.init)
    guard choices.count <= most, choices.count * tails.count <= most else {
      throw DataError("\(text): is too many files, give 1 to \(most)")
    }
    return choices.flatMap { choice in tails.map { String(head) + choice + $0 } }
  }

  /// `007..012`, with as many digits as the first number has.
  private static func range(_ text: Substring) throws -> [String]? {
    let ends = text.split(separator: "..", omittingEmptySubsequences: false)
    guard ends.count == 2, let first = Int(ends[0]), let last = Int(ends[1]), first >= 0 else {
      return nil
    }
    guard last >= first, last - first < most else {
      throw DataError("{\(text)}: is no ascending range of at most \(most) numbers")
    }
    let width = ends[0].utf8.count
    return (first...last).map { Format.padded($0, width) }
  }
}
