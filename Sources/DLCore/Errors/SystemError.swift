/// Something that the system refused beside files, such as a thread.
package struct SystemError: DLError, Equatable {
  /// The operation that was asked for.
  package let op: String
  /// The system's error number.
  package let errno: Int32
  /// The fault, and what to do.
  package let detail: String
  /// An internal fault: no setting of the job is wrong.
  package var exitCode: ExitCode { .fault }

  package init(op: String, errno: Int32, detail: String) {
    self.op = op
    self.errno = errno
    self.detail = detail
  }

  /// One line.
  package var description: String { "\(op): \(detail) (errno \(errno))" }
}
