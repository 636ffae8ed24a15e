/// A thread that the system did not start.
package struct ThreadError: DLError {
  /// The name of the thread.
  package let name: String
  /// The thread's task, as in `to read rows`; empty where its name says it.
  package let purpose: String
  /// 74: a limit of the system, which its user can raise.
  package var exitCode: ExitCode { .io }

  package init(_ name: String, _ purpose: String = "") {
    self.name = name
    self.purpose = purpose
  }

  /// One line: what, and what to do.
  package var description: String {
    "\(name): no thread can be started\(purpose.isEmpty ? "" : " " + purpose); raise the limit of processes (ulimit -u) or of address space (ulimit -v)"
  }
}
