import ArgumentParser
import DLCluster
import DLTraining

/// `dltrain doctor`.
struct Doctor: Verb {
  static let configuration = CommandConfiguration(
    abstract: "Look at CPU, BLAS, MPI and memory, and say what to fix.",
    discussion: "Example: dltrain doctor")

  func run(in world: World) throws -> DLCluster.ExitCode {
    try world.first("look at the machine") { world.print(SystemReport().text) }
    return .success
  }
}
