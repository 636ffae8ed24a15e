import DLCore
import DLFormats

/// The words of mpirun's standard error on a job's end: the rank or the host that it lost.
///
/// It has no other way to tell. Ranks tell by their exit code and by ``EndFile``; their first line is
/// kept to be shown.
package struct JobOutput: Sendable {
  /// Hosts whose daemon mpirun lost.
  package private(set) var lostHosts: Set<String> = []
  private var refusesOptions = false
  private var lostRank: String?
  private var fault: String?
  private var rest: [UInt8] = []

  /// Makes the notes of a job that has said nothing yet.
  package init() {}

  /// The words of Open MPI 4's mpirun on an unknown option, its value, or a policy of --map-by and
  /// the like.
  private static let refusals = [
    "mpirun: Error: unknown option", "option does not match the expected format:",
    "policy is not recognized:",
  ]

  /// Takes the next bytes, cut anywhere.
  package mutating func read(_ bytes: UnsafeRawBufferPointer) {
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
  package mutating func read(line: String) {
    let words = line.words().map(String.init)
    if words.count > 5, words.starts(with: ["mpirun", "noticed", "that", "process", "rank"]) {
      // mpirun noticed that process rank 1 with PID 7 on node vm exited on signal 9 (Killed).
      let end =
        words.last == "signal" ? "" : words.dropFirst(words.count - 3).joined(separator: " ")
      lostRank = "rank \(words[5]) on \(word(after: "node", in: words)): \(trimmed(end))"
    } else if JobOutput.refusals.contains(where: line.contains) {
      refusesOptions = true
    } else if words.starts(with: ["Remote", "daemon:"]) {
      // Remote daemon: [[8406,0],2] on node node3
      lostHosts.insert(word(after: "node", in: words))
    } else if fault == nil, line.begins(with: "dltrain: "),
      !line.begins(with: "dltrain: warning: ")
    {
      fault = String(line.dropFirst("dltrain: ".count))
    }
  }

  /// The end of a job that wrote these lines and left a status.
  ///
  /// - Parameter found: what a process of it left in the run folder.
  package func end(status: Int32, found: EndFile?) -> JobEnd {
    // Where a rank was killed, mpirun knows better than the others why.
    let known = found.flatMap { $0.isSudden && !$0.isStandingStill ? nil : $0.message }
    let host = lostHosts.isEmpty ? nil : "lost \(lostHosts.sorted().joined(separator: ", "))"
    let plain =
      (129...192).contains(status) ? "ended by signal \(status - 128)" : "exit code \(status)"
    return JobEnd(
      status: status, isSudden: found?.isSudden ?? false,
      reason: host ?? known ?? lostRank ?? found?.message ?? fault ?? "mpirun: \(plain)",
      lostHosts: lostHosts, isRefused: refusesOptions && found == nil)
  }

  private func word(after word: String, in words: [String]) -> String {
    let next = words.lastIndex(of: word).map { $0 + 1 } ?? words.count
    return next < words.count ? trimmed(words[next]) : "?"
  }

  private func trimmed(_ text: String) -> String {
    text.hasSuffix(".") ? String(text.dropLast()) : text
  }
}
