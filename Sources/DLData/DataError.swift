import DLCore

/// A request for data that cannot be met, such as a batch size of 0.
public struct DataError: DLError {
  /// The fault, its place and what to do, on one line.
  public let description: String
  /// `usage` for a setting, `data` for a file's content, `io` for the system.
  public let exitCode: ExitCode

  /// Makes an error.
  public init(_ description: String, exitCode: ExitCode = .usage) {
    self.description = description
    self.exitCode = exitCode
  }
}
