import DLCluster
import DLCore
import DLFormats

/// Lines of a hostfile that cannot be taken.
package struct HostfileError: DLError, Equatable {
  /// `FILE:LINE: FAULT`, one for each line at fault.
  package let lines: [String]
  /// 64.
  package var exitCode: ExitCode { .usage }
  /// One line per fault.
  package var description: String { lines.joined(separator: "\n") }
}

/// The hosts of a job, as mpirun's hostfile names them.
///
/// One host a line, `node1 slots=4`; `#` starts a comment. A host that is named twice has the slots
/// of both lines. Unlike mpirun, which looks at the host itself, this wants `slots` on every line:
/// how many ranks are left when a host is lost must be known without it.
package struct Hostfile: Sendable, Equatable {
  /// A host and the ranks that it may take.
  package struct Host: Sendable, Equatable {
    /// A name or address.
    package let name: String
    /// Ranks, 1 or more.
    package var slots: Int
  }

  /// The hosts in the order of their first lines.
  package private(set) var hosts: [Host] = []
  /// True if mpirun, too, reads the file: it has no byte-order mark and no line ends of Windows.
  package private(set) var isPlain = true

  /// Reads a file.
  ///
  /// - Throws: ``HostfileError`` with all faults; `FormatError` where it cannot be read.
  package init(path: String) throws {
    let bytes = try File.contents(of: path, limit: 1 << 20)
    try self.init(parsing: TextFile.text(decoding: bytes, file: path), source: path)
    isPlain = !TextFile.hasMark(bytes) && !bytes.contains(UInt8(ascii: "\r"))
  }

  /// Reads the text of a file.
  ///
  /// - Parameter source: what messages name it.
  /// - Throws: ``HostfileError`` with all faults.
  package init(parsing text: String, source: String) throws {
    var faults: [String] = []
    let lines = TextFile.lines(in: TextFile.withPlainLineEnds(text))
    for (index, line) in lines.enumerated() {
      let words = line.parts(at: "#")[0].words()
      guard let name = words.first else { continue }
      switch Hostfile.host(String(name), words.dropFirst()) {
      case .success(let host): add(host)
      case .failure(let fault): faults.append("\(source):\(index + 1): \(fault.text)")
      }
    }
    if hosts.isEmpty, faults.isEmpty {
      faults.append("\(source): names no host; give lines such as \"node1 slots=4\"")
    }
    guard faults.isEmpty else { throw HostfileError(lines: faults) }
  }

  /// The ranks that all hosts may take together.
  package var slots: Int { hosts.reduce(0) { $0 + $1.slots } }

  /// The hosts that are not among `lost`.
  package func without(_ lost: Set<String>) -> Hostfile {
    var rest = self
    rest.hosts.removeAll { lost.contains($0.name) }
    return rest
  }

  /// The text that gives this back.
  package var text: String { hosts.map { "\($0.name) slots=\($0.slots)\n" }.joined() }

  private struct Fault: Error {
    let text: String
  }

  private static func host(_ name: String, _ words: ArraySlice<Substring>) -> Result<Host, Fault> {
    guard !name.unicodeScalars.contains("=") else {
      return .failure(Fault(text: "\(name): begins without a host; write \"node1 slots=4\""))
    }
    var slots: Int?
    for word in words {
      let sides = word.parts(at: "=", limit: 1)
      guard sides.count == 2, ["slots", "max_slots", "max-slots"].contains(sides[0]) else {
        return .failure(
          Fault(text: "\(name): \"\(word)\" is unknown; write slots=N without blanks around ="))
      }
      guard let count = Int(sides[1]), (1...65_536).contains(count) else {
        return .failure(Fault(text: "\(name): \(word): expected a number of ranks from 1 to 65536"))
      }
      if sides[0] == "slots" { slots = count }
    }
    guard let slots else {
      return .failure(Fault(text: "\(name): no slots=N, say how many ranks the host may take"))
    }
    return .success(Host(name: name, slots: slots))
  }

  private mutating func add(_ host: Host) {
    if let index = hosts.firstIndex(where: { $0.name.hasScalars(of: host.name) }) {
      hosts[index].slots += host.slots
    } else {
      hosts.append(host)
    }
  }
}
