import DLCore

/// A file of weights that does not fit the model.
package struct StateDictError: DLError {
  /// The file.
  package let path: String
  /// The differences: missing and unknown names, other shapes and types.
  package let differences: [String]
  /// The advice: what to do about it.
  package let advice: String

  init(
    path: String, differences: [String],
    advice: String = "use the configuration it was saved with"
  ) {
    self.path = path
    self.differences = differences
    self.advice = advice
  }

  /// A fault of the configuration: the file is sound.
  package var exitCode: ExitCode { .usage }

  /// One line with the first differences.
  package var description: String {
    let shown = differences.prefix(4).joined(separator: "; ")
    let more = differences.count > 4 ? "; and \(differences.count - 4) more" : ""
    return "\(path): does not fit the model: \(shown)\(more); \(advice)"
  }
}
