import CKernels
import CMPI
import DLCore
import Glibc

/// The calls from several threads that MPI allows.
package enum MPIThreadLevel: Int32, Sendable, Comparable {
  case single, funneled, serialized, multiple

  /// Orders levels by what they allow.
  package static func < (a: Self, b: Self) -> Bool { a.rawValue < b.rawValue }
}

/// MPI, from initialization to finalization.
///
/// It exists only under a launcher.
package final class MPIRuntime {
  /// The program that started the processes.
  package let launcher: Launcher
  /// All processes, on a communicator of our own.
  package let world: MPICommunicator
  /// The level of thread support that MPI provides.
  package var threadLevel: MPIThreadLevel { world.threadLevel }
  /// The name of this host, as MPI knows it.
  package let processorName: String
  /// Rank and size among the processes of this host.
  package let nodeLocal: (rank: Int, size: Int)

  /// Initializes MPI under a launcher; outside one, returns nil and makes no MPI call.
  ///
  /// Open MPI is told to yield while it waits, unless the user has said otherwise.
  ///
  /// - Throws: `ClusterError` where MPI cannot be initialized;
  ///   ``ClusterError/launcherMismatch(launcher:tasks:library:worldSize:)`` if the launcher's task
  ///   count is not MPI's.
  package static func start() throws -> MPIRuntime? {
    guard let launcher = Launcher.detect() else { return nil }
    return try MPIRuntime(launcher: launcher)
  }

  private init(launcher: Launcher) throws {
    self.launcher = launcher
    // Where no other thread wants the core a yield costs a system call; without it, ranks that spin
    // on cores that they share with each other or with other programs are slower a thousandfold.
    setenv("OMPI_MCA_mpi_yield_when_idle", "1", 0)

    func check(_ code: Int32, _ op: String) throws {
      if code != 0 {
        throw ClusterError.mpi(
          op: op, rank: 0, size: launcher.tasks ?? 0, code: Int(code), text: mpiErrorText(code))
      }
    }
    var level = CMPI_THREAD_SINGLE
    try check(cmpi_init(&level), "MPI_Init_thread")
    var handle: OpaquePointer?
    try check(cmpi_world(&handle), "MPI_Comm_dup")
    guard let handle else { preconditionFailure("MPI_Comm_dup gave no communicator") }
    world = MPICommunicator(
      handle: handle, threadLevel: MPIThreadLevel(rawValue: Int32(level.rawValue)) ?? .single)
    processorName = text { _ = cmpi_processor_name($0, $1) }
    if let tasks = launcher.tasks, tasks != world.size {
      _ = cmpi_finalize()
      throw ClusterError.launcherMismatch(
        launcher: launcher.name, tasks: tasks, library: Self.loadedVersion, worldSize: world.size)
    }
    nodeLocal = try world.nodeLocal()
  }

  /// Finalizes MPI; collective, and the last MPI call of the process.
  ///
  /// - Throws: `ClusterError` where MPI says that it failed.
  package func finalize() throws {
    guard cmpi_is_initialized() != 0, cmpi_is_finalized() == 0 else { return }
    let code = cmpi_finalize()
    if code != 0 {
      throw ClusterError.mpi(
        op: "MPI_Finalize", rank: world.rank, size: world.size, code: Int(code),
        text: mpiErrorText(code))
    }
  }

  /// Ends every process of the job at once, for when peers cannot be reached any more.
  package static func abort(_ code: ExitCode) -> Never {
    cmpi_abort(code.rawValue)
    exit(code.rawValue)
  }

  /// The version of the MPI whose headers this was compiled with.
  package static var compiledVersion: String { String(cString: cmpi_compiled_version()) }

  /// The first line of the version of the MPI library that is loaded; needs no initialization.
  package static var loadedVersion: String {
    let all = text { cmpi_library_version($0, $1) }
    return String(all.prefix { $0 != "\n" && $0 != "," })
  }
}
