import DLCore
import DLFormats

/// A data set file that was written.
package struct PackedFile: Sendable, Hashable {
  /// The file's path.
  package let path: String
  /// The shape of its `x`.
  package let shape: [Int]
  /// A remark on the file for its user, if any.
  package var note: String?

  /// The files that are being read.
  @TaskLocal private static var kept: Set<File.Identity> = []

  /// Runs `body`, in which no file that is written takes the place of one of these.
  ///
  /// - Throws: what `body` throws.
  package static func keeping<R>(_ files: [String], _ body: () throws -> R) rethrows -> R {
    let identities = files.compactMap { try? File($0, .read).identity() }
    return try $kept.withValue(Set(identities), operation: body)
  }

  /// Writes a file that is packed, once the folder that it is to stand in is made, and those above.
  ///
  /// - Throws: `FormatError` where a folder cannot be made or the file not written; `DataError` where
  ///   it is one that is read.
  static func write(
    _ tensors: [SafetensorsTensor], metadata: [String: String] = [:], to path: String
  ) throws {
    if let old = try? File(path, .read).identity(), kept.contains(old) {
      throw DataError("\(path): is what the command reads; write to another file")
    }
    try File.makeFolder(File.split(path).folder)
    try SafetensorsWriter.write(tensors, metadata: metadata, to: path)
  }
}
