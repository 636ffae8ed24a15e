/// An error that reaches the user as one line: what happened, where, and what to do.
public protocol DLError: Error, CustomStringConvertible, Sendable {
  /// The process exit code that the error leads to.
  var exitCode: ExitCode { get }
}

/// The exit codes of every command.
public enum ExitCode: Int32, Sendable {
  case success = 0
  /// Wrong usage or configuration (EX_USAGE).
  case usage = 64
  /// Bad data (EX_DATAERR).
  case data = 65
  /// An internal fault (EX_SOFTWARE).
  case fault = 70
  /// Input or output failed (EX_IOERR).
  case io = 74
  /// Stopped by a signal, and resumable (EX_TEMPFAIL).
  case resumable = 75

  /// The exit code that any error leads to: an internal fault where it names none.
  package init(of error: any Error) { self = (error as? any DLError)?.exitCode ?? .fault }
}
