import DLCluster
import DLCore
import Foundation

/// This program, started again as the processes of an MPI job.
enum MPIProgram {
  /// A job that did not succeed.
  struct Failure: DLError {
    let exitCode: DLCore.ExitCode
    let description: String
  }

  /// Runs the program with `arguments` under mpirun and returns the last line of its output; what it
  /// writes to standard error goes where ours goes.
  static func output(of arguments: [String], processes: Int) throws -> String {
    guard let launcher = SystemReport.program("mpirun") else {
      throw UsageError("mpirun is not on PATH: install openmpi-bin, or measure threads")
    }
    let process = Process()
    process.executableURL = URL(fileURLWithPath: launcher)
    let own = try FileManager.default.destinationOfSymbolicLink(atPath: "/proc/self/exe")
    process.arguments =
      ["-n", "\(processes)", "--oversubscribe", "--bind-to", "none", own] + arguments
    var environment = ProcessInfo.processInfo.environment
    if geteuid() == 0 {
      environment["OMPI_ALLOW_RUN_AS_ROOT"] = "1"
      environment["OMPI_ALLOW_RUN_AS_ROOT_CONFIRM"] = "1"
    }
    process.environment = environment
    let pipe = Pipe()
    process.standardOutput = pipe
    process.standardInput = FileHandle.nullDevice
    try process.run()
    let output = String(decoding: pipe.fileHandleForReading.readDataToEndOfFile(), as: UTF8.self)
    process.waitUntilExit()
    guard process.terminationStatus == 0, let line = output.split(separator: "\n").last else {
      throw Failure(
        exitCode: .fault,
        description: "\(launcher) -n \(processes): ended with code \(process.terminationStatus), "
          + "see its message above")
    }
    return String(line)
  }
}
