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

  /// Writes a file that is packed, once the folder that it is to stand in is made, and those above.
  ///
  /// - Throws: `FormatError` where a folder cannot be made or the file not written.
  static func write(
    _ tensors: [SafetensorsTensor], metadata: [String: String] = [:], to path: String
  ) throws {
    try File.makeFolder(File.split(path).folder)
    try SafetensorsWriter.write(tensors, metadata: metadata, to: path)
  }
}
