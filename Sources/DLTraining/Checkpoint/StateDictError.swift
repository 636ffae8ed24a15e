import DLCore

/// A file of weights that does not fit the model.
public struct StateDictError: DLError {
  /// The file.
  public let path: String
  /// What differs: missing and unknown names, other shapes and types.
  public let differences: [String]
  /// What to do about it.
  public let advice: String

  init(
    path: String, differences: [String],
    advice: String = "use the configuration it was saved with"
  ) {
    self.path = path
    self.differences = differences
    self.advice = advice
  }

  /// A fault of the configuration: the file is sound.
  public var exitCode: ExitCode { .usage }

  /// One line with the first differences.
  public var description: String {
    let shown = differences.prefix(4).joined(separator: "; ")
    let more = differences.count > 4 ? "; and \(differences.count - 4) more" : ""
    return "\(path): does not fit the model: \(shown)\(more); \(advice)"
  }
}
