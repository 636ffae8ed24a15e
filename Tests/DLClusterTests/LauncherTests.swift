import DLCluster
import Testing

@Suite struct LauncherTests {
  @Test func aloneWithoutLauncher() {
    #expect(Launcher(environment: [:]) == nil)
    #expect(Launcher(environment: ["SLURM_NTASKS": "4", "SLURM_JOB_ID": "1"]) == nil)
  }

  @Test func openMPI() throws {
    let launcher = try #require(
      Launcher(environment: [
        "OMPI_COMM_WORLD_SIZE": "8", "OMPI_COMM_WORLD_LOCAL_SIZE": "4", "PMIX_RANK": "1",
        "SLURM_NTASKS": "3", "SLURM_STEP_ID": "0",
      ]))
    #expect(launcher.tasks == 8)
    #expect(launcher.localTasks == 4)
  }

  @Test func processManagersAndSlurm() {
    #expect(Launcher(environment: ["PMI_RANK": "0", "PMI_SIZE": "3"])?.tasks == 3)
    #expect(
      Launcher(environment: ["PMIX_RANK": "0", "SLURM_NTASKS": "6", "SLURM_STEP_ID": "0"])?.tasks
        == 6)
    #expect(Launcher(environment: ["SLURM_STEP_NUM_TASKS": "4"])?.tasks == 4)
    let unknown = Launcher(environment: ["PMIX_RANK": "0"])
    #expect(unknown != nil && unknown?.tasks == nil)
  }
}
