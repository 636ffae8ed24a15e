import Glibc

/// The program that started this process as one of several.
package struct Launcher: Sendable, Equatable {
  /// The launcher's name, for messages.
  package let name: String
  /// The number of processes that it started, where it says so.
  package let tasks: Int?
  /// The number of those on this host, where it says so.
  package let localTasks: Int?

  /// True if processes that a signal reaches have the time to finish a step and to save it.
  ///
  /// mpirun kills them a second after a SIGTERM, as soon as one of them has left; Slurm waits for
  /// them, 30 seconds unless it is set otherwise (`KillWait`).
  package var leavesTimeToSave: Bool { name == "srun" }

  /// Reads the variables that mpirun, a process manager (PMI, PMIx) or Slurm sets; nil without any.
  package init?(environment: [String: String]) {
    func number(_ name: String) -> Int? { environment[name].flatMap { Int($0) } }
    let stepTasks = number("SLURM_STEP_NUM_TASKS")
    // In a job script SLURM_NTASKS is there without any step; it counts beside a process manager.
    let slurmTasks =
      stepTasks ?? (environment["SLURM_STEP_ID"] == nil ? nil : number("SLURM_NTASKS"))
    if let tasks = number("OMPI_COMM_WORLD_SIZE") {
      name = "Open MPI's mpirun"
      self.tasks = tasks
      localTasks = number("OMPI_COMM_WORLD_LOCAL_SIZE")
    } else if environment["PMI_RANK"] != nil || environment["PMIX_RANK"] != nil {
      name = slurmTasks == nil ? "a PMI launcher" : "srun"
      self.tasks = number("PMI_SIZE") ?? slurmTasks
      localTasks = number("MPI_LOCALNRANKS")
    } else if let stepTasks, stepTasks > 1 {
      name = "srun"
      self.tasks = stepTasks
      localTasks = nil
    } else {
      return nil
    }
  }

  /// The launcher of this process; nil if it was started alone.
  package static func detect() -> Launcher? {
    let names = [
      "OMPI_COMM_WORLD_SIZE", "OMPI_COMM_WORLD_LOCAL_SIZE", "PMI_RANK", "PMI_SIZE", "PMIX_RANK",
      "MPI_LOCALNRANKS", "SLURM_NTASKS", "SLURM_STEP_ID", "SLURM_STEP_NUM_TASKS",
    ]
    var environment: [String: String] = [:]
    for name in names {
      if let value = getenv(name) { environment[name] = String(cString: value) }
    }
    return Launcher(environment: environment)
  }
}
