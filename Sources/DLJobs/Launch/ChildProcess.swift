import CSystem
import DLCluster
import DLCore
import Foundation
import Glibc

/// A program that could not be started.
struct SpawnError: DLError {
  let description: String
  var exitCode: ExitCode { .usage }
}

/// A program in a process group of its own, so that the terminal's signals pass it by.
///
/// It gets SIGTERM when the thread that started it ends, so that it does not outlive this process.
struct ChildProcess {
  let process: pid_t
  /// The reading end of its standard error, not blocking; nil where nobody reads.
  let errors: Int32?

  /// Starts a program found on PATH, with standard input empty.
  ///
  /// - Parameters:
  ///   - words: the program and its arguments.
  ///   - environment: variables besides those of this process.
  ///   - isSilent: whether its output goes nowhere; else standard output is this process's and
  ///     standard error a pipe.
  /// - Throws: ``SpawnError``.
  init(_ words: [String], environment: [String: String] = [:], isSilent: Bool = false) throws {
    var pipe: [Int32] = [-1, -1]
    if !isSilent {
      guard Glibc.pipe(&pipe) == 0 else { throw ChildProcess.failure("a pipe", errno) }
      for end in pipe { _ = fcntl(end, F_SETFD, FD_CLOEXEC) }
      _ = fcntl(pipe[0], F_SETFL, O_NONBLOCK)
    }
    let variables = ProcessInfo.processInfo.environment.merging(environment) { $1 }
    var child: Int32 = 0
    let code = withCStrings(words) { arguments in
      withCStrings(variables.map { "\($0)=\($1)" }) {
        dl_spawn(arguments, $0, isSilent ? -2 : -1, isSilent ? -2 : pipe[1], &child)
      }
    }
    if !isSilent { close(pipe[1]) }
    guard code == 0 else {
      // What was started and could not become the program has left already.
      if child > 0 { waitpid(child, nil, 0) }
      if !isSilent { close(pipe[0]) }
      throw ChildProcess.failure(words[0], code)
    }
    process = child
    errors = isSilent ? nil : pipe[0]
  }

  /// The exit code, or 128 and the signal, once it has ended; nil before.
  ///
  /// Not to be asked again then.
  func status() -> Int32? {
    var status: Int32 = 0
    let ended = waitpid(process, &status, WNOHANG)
    if ended == 0 || (ended < 0 && errno == EINTR) { return nil }
    guard ended == process else { return ExitCode.fault.rawValue }
    let signal = status & 0x7f
    return signal == 0 ? (status >> 8) & 0xff : 128 + signal
  }

  /// Sends a signal to the program alone.
  func send(_ signal: Int32) { kill(process, signal) }

  private static func failure(_ what: String, _ code: Int32) -> SpawnError {
    let advice = code == ENOENT ? "install it or put it on PATH" : "check the limits of processes"
    return SpawnError(
      description: "\(what): cannot be started: \(String(cString: strerror(code))), \(advice)")
  }
}

/// Calls `body` with the strings as C wants arguments and environments: pointers, the last one null.
private func withCStrings<R>(
  _ strings: [String], _ body: (UnsafePointer<UnsafeMutablePointer<CChar>?>) -> R
) -> R {
  var pointers = strings.map { strdup($0) } + [nil]
  defer { for pointer in pointers { free(pointer) } }
  return pointers.withUnsafeMutableBufferPointer { body(UnsafePointer($0.baseAddress!)) }
}
