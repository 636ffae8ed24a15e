import DLCore

/// A failure between ranks.
public enum ClusterError: DLError, Equatable {
  /// Another rank failed or returned, so that this rank's collective cannot complete.
  case peerFailed(op: String, rank: Int, size: Int)
  /// The ranks of a communicator called different collectives, or the same with different sizes.
  case mismatch(op: String, rank: Int, size: Int, detail: String)
  /// An argument that no collective can be called with.
  case invalidArgument(op: String, rank: Int, size: Int, detail: String)
  /// MPI returned an error; `text` is its own.
  case mpi(op: String, rank: Int, size: Int, code: Int, text: String)
  /// The launcher started another number of processes than MPI sees: two MPIs are mixed.
  case launcherMismatch(launcher: String, tasks: Int, library: String, worldSize: Int)
  /// MPI cannot serve several threads at once, and the call needs it.
  case threadLevel(op: String, provided: String)
  /// The system refused a thread or memory.
  case system(op: String, errno: Int32, detail: String)

  /// Internal faults but for a wrong installation, which is a matter of configuration.
  public var exitCode: ExitCode {
    switch self {
    case .launcherMismatch, .threadLevel: .usage
    default: .fault
    }
  }

  /// True if the error only reports that another rank failed.
  package var isPeerFailure: Bool {
    if case .peerFailed = self { true } else { false }
  }

  /// True if another rank is the likely cause: it failed, or MPI lost it.
  package var isPeers: Bool {
    switch self {
    case .peerFailed, .mpi: true
    default: false
    }
  }

  /// One line: what happened, where, and what to do.
  public var description: String {
    switch self {
    case .peerFailed(let op, let rank, let size):
      "\(op): rank \(rank) of \(size): a peer failed or left before the collective completed"
    case .mismatch(let op, let rank, let size, let detail):
      "\(op): rank \(rank) of \(size): the ranks do not make the same call: \(detail)"
    case .invalidArgument(let op, let rank, let size, let detail):
      "\(op): rank \(rank) of \(size): \(detail)"
    case .mpi(let op, let rank, let size, let code, let text):
      "\(op): rank \(rank) of \(size): MPI error \(code): \(text)"
    case .launcherMismatch(let launcher, let tasks, let library, let worldSize):
      "MPI: \(launcher) started \(counted(tasks, "process", "processes")), but \(library) sees a world of \(worldSize); "
        + "use the launcher that belongs to this MPI"
    case .threadLevel(let op, let provided):
      "\(op): needs MPI_THREAD_MULTIPLE, this MPI provides \(provided); "
        + "use one thread per process or another MPI"
    case .system(let op, let errno, let detail):
      "\(op): \(detail) (errno \(errno))"
    }
  }
}
