import DLCore
import DLFormats

/// What the lines that a job writes to standard error say of its end.
///
/// mpirun names the rank or the host that it lost; ranks say in one line each why they end.
public struct JobOutput: Sendable {
  /// Whether a rank said that it was ended by a signal.
  public private(set) var isSudden = false
  /// Whether the ranks' watchdog has ended the job.
  public private(set) var isStandingStill = false
  /// Hosts whose daemon mpirun lost.
  public private(set) var lostHosts: Set<String> = []
  private var lostRank: String?
  private var fault: String?
  private var rest: [UInt8] = []

  /// Makes the notes of a job that has said nothing yet.
  public init() {}

  /// Takes the next bytes, cut anywhere.
  public mutating func read(_ bytes: UnsafeRawBufferPointer) {
    for byte in bytes {
      if byte == UInt8(ascii: "\n") {
        read(line: String(decoding: rest, as: UTF8.self))
        rest.removeAll(keepingCapacity: true)
      } else if rest.count < 4096 {
        rest.append(byte)
      }
    }
  }

  /// Takes one line.
  public mutating func read(line: String) {
    let words = line.words().map(String.init)
    if words.starts(with: ["mpirun", "noticed", "that", "process", "rank"]) {
      // mpirun noticed that process rank 1 with PID 7 on node vm exited on signal 9 (Killed).
      let end =
        words.last == "signal" ? "" : words.dropFirst(words.count - 3).joined(separator: " ")
      lostRank = "rank \(words[5]) on \(word(after: "node", in: words)): \(trimmed(end))"
    } else if words.starts(with: ["Remote", "daemon:"]) {
      // Remote daemon: [[8406,0],2] on node node3
      lostHosts.insert(word(after: "node", in: words))
    } else if line.begins(with: "dltrain: ") {
      let text = line[line.utf8.index(line.startIndex, offsetBy: "dltrain: ".utf8.count)...]
      if StopSignals.suddenEnds.contains(where: { text.begins(with: $0) }) {
        isSudden = true
      } else if Watchdog.ends.contains(where: { text.begins(with: $0) }) {
        isStandingStill = true
        fault =
          text.firstRange(of: Watchdog.end).map { String(text[..<$0.lowerBound]) } ?? String(text)
      } else if !text.hasPrefix("warning: "), fault == nil {
        fault = String(text)
      }
    }
  }

  /// The end of a job that wrote these lines and left a status.
  public func end(status: Int32) -> JobEnd {
    let host = lostHosts.isEmpty ? nil : "lost \(lostHosts.sorted().joined(separator: ", "))"
    let plain = status > 128 ? "ended by signal \(status - 128)" : "exit code \(status)"
    return JobEnd(
      status: status, isSudden: isSudden, reason: host ?? fault ?? lostRank ?? "mpirun: \(plain)",
      lostHosts: lostHosts)
  }

  private func word(after word: String, in words: [String]) -> String {
    let next = words.lastIndex(of: word).map { $0 + 1 } ?? words.count
    return next < words.count ? trimmed(words[next]) : "?"
  }

  private func trimmed(_ text: String) -> String {
    text.hasSuffix(".") ? String(text.dropLast()) : text
  }
}
