import DLFormats

/// What a data set file of pairs of texts holds beside its rows.
public enum ParallelText {
  /// The target sentences as they were, in the order of the rows.
  public static func targets(path: String) throws -> [String] {
    String(decoding: try SafetensorsFile(path: path).bytes("target_text"), as: UTF8.self)
      .split(separator: "\n", omittingEmptySubsequences: false).map(String.init)
  }
}
