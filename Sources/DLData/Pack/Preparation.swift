import DLCore
import DLFormats

/// The way from raw data to the rows of a data set file, as its metadata say.
///
/// The columns of a table, or the features of sounds. A run keeps it, so that other data can become rows alike.
package struct Preparation: Sendable, Equatable {
  private static let keys = [TableSchema.key, AudioFeatures.key]

  /// The entries of the metadata.
  package let entries: [String: String]

  /// Takes what a file's metadata hold of it.
  package init(_ metadata: [String: String]) {
    entries = metadata.filter { Self.keys.contains($0.key) }
  }

  /// The first difference from another preparation; nil where both make the same rows of the same
  /// data, or one does not say.
  ///
  /// - Parameters:
  ///   - file: the file of this one.
  ///   - source: where the other comes from.
  /// - Throws: a content error for a damaged one.
  package func difference(from other: Preparation, file: String, source: String) throws -> String? {
    for key in Self.keys {
      guard let mine = entries[key], let theirs = other.entries[key] else { continue }
      if key == TableSchema.key {
        if let difference = try TableSchema.difference(mine, theirs, file: file, source: source) {
          return difference
        }
      } else if !mine.utf8.elementsEqual(theirs.utf8) {
        return "its sounds have other features, or another mean and deviation"
      }
    }
    return nil
  }
}
