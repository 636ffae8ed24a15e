import Glibc

extension File {
  /// Calls `body` with the path of a file that it may write, in a folder that nobody else can enter;
  /// both are gone afterwards, the file also where a signal ends the process.
  ///
  /// The folder lies in `$TMPDIR`, or in `/tmp`.
  ///
  /// - Throws: `FormatError` where the folder cannot be made; what `body` throws.
  package static func withTemporary<R>(_ name: String, _ body: (String) throws -> R) throws -> R {
    let parent = getenv("TMPDIR").map { String(cString: $0) }.flatMap { $0.isEmpty ? nil : $0 }
    let base = parent ?? "/tmp"
    var template = Array("\(base)/dltrain.XXXXXX".utf8CString)
    guard mkdtemp(&template) != nil else {
      throw FormatError(
        .io, file: base, "cannot make a folder: \(String(cString: strerror(errno)))",
        advice: "set TMPDIR to a folder with room")
    }
    let folder = String(decoding: template.dropLast().map { UInt8(bitPattern: $0) }, as: UTF8.self)
    let path = "\(folder)/\(name)"
    TemporaryFiles.add(path)
    defer {
      unlink(path)
      rmdir(folder)
      TemporaryFiles.remove(path)
    }
    return try body(path)
  }
}
