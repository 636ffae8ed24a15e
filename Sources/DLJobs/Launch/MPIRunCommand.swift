import DLCore

/// The command that starts a job's processes: mpirun with its options, the program and its
/// arguments.
package struct MPIRunCommand: Sendable, Equatable {
  /// Processes to start.
  package var processes = 1
  /// Ranks that each process hosts as threads.
  package var ranksPerProcess = 1
  /// Physical cores of this host, and of the others as far as one knows.
  package var cores = 1
  /// The hosts, and the file that names them; nil for this host, or those of a batch system.
  package var hosts: (file: String, list: Hostfile)?
  /// True if a batch system has given the hosts and their slots.
  package var isAllocated = false
  /// mpirun's options from the user; they replace those chosen here.
  package var options: [String] = []
  /// The program, on every host under the same path.
  package var program = ""
  /// The program's arguments.
  package var arguments: [String] = []

  /// Makes the command of one process on this host.
  package init() {}

  /// The daemons of Open MPI find a host gone after 2 + 3 x 2 seconds, not after minutes; and ranks
  /// that have lost one, and so have nothing left to save, are not given a second or two to end.
  private static let settings = [
    ("oob_tcp_keepalive_time", "2"), ("oob_tcp_keepalive_intvl", "2"),
    ("oob_tcp_keepalive_probes", "3"), ("odls_base_sigkill_timeout", "0"),
  ]

  /// The whole command.
  package var words: [String] {
    var words = ["mpirun", "-n", String(processes)]
    if let hosts { words += ["--hostfile", hosts.file] }
    // A hostfile's slots and a batch system's are what the user meant; only mpirun's own count of
    // cores is to be overridden.
    if processes > cores, hosts == nil, !isAllocated, !has("oversubscribe") {
      words.append("--oversubscribe")
    }
    if !has("bind-to") { words += ["--bind-to", binds ? "core" : "none"] }
    for (name, value) in MPIRunCommand.settings where !options.contains(name) {
      words += ["--mca", name, value]
    }
    words += ["-x", EndFile.launchVariable]
    return words + options + [program] + arguments
  }

  /// True if each rank has a core of its own.
  private var binds: Bool {
    let mostOnAHost = hosts?.list.hosts.map(\.slots).max() ?? processes
    return ranksPerProcess == 1 && (mostOnAHost <= cores || (isAllocated && hosts == nil))
  }

  private func has(_ option: String) -> Bool {
    options.contains { $0.drop { $0 == "-" } == option }
  }

  /// The same command or another.
  package static func == (a: Self, b: Self) -> Bool {
    a.words == b.words && a.hosts?.list == b.hosts?.list
  }
}
