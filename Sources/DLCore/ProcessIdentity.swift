import Glibc

/// One process among all hosts and times: `HOST:PID:START`, START in the system's clock ticks.
package struct ProcessIdentity: Equatable, CustomStringConvertible {
  package let host: String
  package let process: pid_t
  let start: String
  /// The boot and the space of process numbers in which `process` means something.
  package let machine: String

  /// This process.
  package static var own: ProcessIdentity {
    ProcessIdentity(
      host: hostName(), process: getpid(), start: ProcessState(of: getpid())?.start ?? "0",
      machine: thisMachine)
  }

  private init(host: String, process: pid_t, start: String, machine: String) {
    self.host = host
    self.process = process
    self.start = start
    self.machine = machine
  }

  /// Reads what ``description`` and ``machine`` gave.
  package init?(_ text: Substring, machine: Substring) {
    let parts = text.split(separator: ":", omittingEmptySubsequences: false)
    guard parts.count == 3, let process = pid_t(parts[1]) else { return nil }
    self.init(
      host: String(parts[0]), process: process, start: String(parts[2]), machine: String(machine))
  }

  package var description: String { "\(host):\(process):\(start)" }

  /// True if the process is known to have ended: on this host, since this host last started.
  package var isDead: Bool {
    guard host == hostName(), machine == ProcessIdentity.thisMachine else { return false }
    guard let state = ProcessState(of: process) else { return true }
    return state.start != start || state.hasEnded
  }

  private static var thisMachine: String {
    let boot = File.systemText("/proc/sys/kernel/random/boot_id")?.prefix { !$0.isNewline } ?? ""
    let space = (try? File.linkTarget("/proc/self/ns/pid")) ?? ""
    return boot + " " + space
  }
}

/// The state of a process of this host, as the system tells it.
package struct ProcessState {
  private let letter: Substring
  /// When it began, in the system's clock ticks.
  let start: String

  /// Asks; nil where there is no process of that number, or `/proc` does not tell.
  package init?(of process: pid_t) {
    // The second field is the name in parentheses, which may hold anything.
    guard let text = File.systemText("/proc/\(process)/stat"),
      let fields = text.split(separator: ")").last?.split(separator: " "), fields.count > 19
    else { return nil }
    (letter, start) = (fields[0], String(fields[19]))
  }

  /// True if it has ended and is still listed.
  package var hasEnded: Bool { letter == "Z" || letter == "X" }
  /// True if a signal or a debugger holds it.
  package var isStopped: Bool { letter == "T" || letter == "t" }
}
