/// Something that the system refused beside files, such as a thread.
public struct SystemError: DLError, Equatable {
  /// What was asked for.
  public let op: String
  /// The system's error number.
  public let errno: Int32
  /// What is wrong and what to do.
  public let detail: String
  /// An internal fault: no setting of the job is wrong.
  public var exitCode: ExitCode { .fault }

  package init(op: String, errno: Int32, detail: String) {
    self.op = op
    self.errno = errno
    self.detail = detail
  }

  /// One line.
  public var description: String { "\(op): \(detail) (errno \(errno))" }
}
