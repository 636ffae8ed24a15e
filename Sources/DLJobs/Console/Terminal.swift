import DLCore
import Glibc
import Logging
import Synchronization

/// Text for the person in front of the program.
///
/// It goes out by `write` at once, so that nothing is lost when the process ends without exit
/// handlers; a closed pipe is no error, since a run must not end because nobody watches it. What a
/// file or device does not take is noted, for the end of commands whose output is their product.
package enum Terminal {
  /// The last error with which standard output took less than the whole; 0 for none.
  private static let outputFault = Atomic<Int32>(0)

  /// The error with which standard output took less than the whole; nil for none.
  static var outputError: FormatError? {
    let fault = outputFault.load(ordering: .relaxed)
    guard fault != 0 else { return nil }
    return FormatError(
      .io, file: "standard output", "cannot write: \(String(cString: strerror(fault)))",
      advice: "check the space left")
  }

  /// Writes to standard output.
  static func out(_ text: String) { write(text, to: STDOUT_FILENO) }

  /// Writes to standard error.
  static func error(_ text: String) { write(text, to: STDERR_FILENO) }

  /// Writes another program's bytes to standard error.
  static func error(_ bytes: UnsafeRawBufferPointer) { write(bytes, to: STDERR_FILENO) }

  /// True if standard output is a terminal.
  static var isTerminal: Bool { isatty(STDOUT_FILENO) == 1 }

  private static func write(_ text: String, to descriptor: Int32) {
    var text = text
    text.withUTF8 { write(UnsafeRawBufferPointer($0), to: descriptor) }
  }

  private static func write(_ bytes: UnsafeRawBufferPointer, to descriptor: Int32) {
    var done = 0
    while done < bytes.count, let base = bytes.baseAddress {
      let count = Glibc.write(descriptor, base + done, bytes.count - done)
      if count > 0 {
        done += count
      } else if count < 0, errno == EAGAIN {
        // Somebody has made it non-blocking.
        var ready = pollfd(fd: descriptor, events: Int16(POLLOUT), revents: 0)
        poll(&ready, 1, 1000)
      } else if count == 0 || errno != EINTR {
        if descriptor == STDOUT_FILENO, count < 0, errno != EPIPE {
          outputFault.store(errno, ordering: .relaxed)
        }
        return
      }
    }
  }
}

/// Writes each message of a logger as one plain line `dltrain: warning: MESSAGE` on standard error.
struct ConsoleLogHandler: LogHandler {
  var metadata: Logger.Metadata = [:]
  var logLevel = Logger.Level.notice

  subscript(metadataKey key: String) -> Logger.Metadata.Value? {
    get { metadata[key] }
    set { metadata[key] = newValue }
  }

  func log(event: LogEvent) {
    let prefix = event.level >= .warning ? "dltrain: \(event.level): " : "dltrain: "
    Terminal.error(prefix + oneLine("\(event.message)") + "\n")
  }

  /// A logger of its own: libraries leave the process-wide one to the program.
  static func logger() -> Logger { Logger(label: "dltrain") { _ in ConsoleLogHandler() } }
}
