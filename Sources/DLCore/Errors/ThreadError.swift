/// A thread that the system did not start.
package struct ThreadError: DLError {
  /// What the thread was to do.
  package let name: String
  /// 74: a limit of the system, which its user can raise.
  package var exitCode: ExitCode { .io }

  package init(_ name: String) { self.name = name }

  /// One line: what, and what to do.
  package var description: String {
    "\(name): no thread can be started; raise the limit of processes (ulimit -u) or of address space "
      + "(ulimit -v)"
  }
}
