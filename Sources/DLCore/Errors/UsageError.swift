/// A command that was called with what it does not take.
public struct UsageError: DLError {
  /// One line: what, and what to do.
  public let description: String
  /// 64.
  public var exitCode: ExitCode { .usage }

  /// Makes an error.
  public init(_ description: String) { self.description = oneLine(description) }
}
