import ArgumentParser
import DLCluster
import DLCore
import DLJobs
import DLReports

/// `dltrain doctor`.
struct Doctor: Verb {
  static let configuration = CommandConfiguration(
    abstract: "Look at CPU, BLAS, MPI and memory, and say what to fix.",
    discussion: """
      Example: dltrain doctor
      Example: mpirun --hostfile hostfile -n 12 dltrain doctor

      Under mpirun the table is that of the first process; the hosts of all are compared, and what \
      is to be fixed on each is listed.
      """)

  func run(in world: World) throws -> DLCore.ExitCode {
    world.print(try world.systemReport().text(columns: World.columns))
    return .success
  }
}
