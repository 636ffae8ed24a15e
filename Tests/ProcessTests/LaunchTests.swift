import DLTestSupport
import Foundation
import Testing

/// `dltrain launch` through the real program.
@Suite(.serialized)
struct LaunchTests {
  private func launch(_ folder: String, _ options: [String] = [], _ more: [String] = []) throws
    -> [String]
  {
    ["launch", "-n", "2"] + options + ["--", "train", try Job.write(to: folder), "--out"]
      + [folder + "/run"] + more
  }

  @Test func aRunThatNothingDisturbsEndsAsUnderMpirun() throws {
    try TemporaryFolder.with { folder in
      let outcome = try Program.run(try launch(folder))
      #expect(outcome.status == 0, "\(outcome.errors)")
      #expect(outcome.output.contains("2 ranks (processes)"))
      let other = folder + "/other"
      let direct = try Program.run(
        ["train", folder + "/small.yaml", "--out", other], processes: 2)
      #expect(direct.status == 0, "\(direct.errors)")
      #expect(try Job.tensors(folder + "/run", step: 12) == Job.tensors(other, step: 12))
    }
  }

  @Test func faultsOfUsageAndDataAreFinal() throws {
    try TemporaryFolder.with { folder in
      func expect(_ arguments: [String], _ code: Int32, _ word: String) throws {
        let outcome = try Program.run(arguments)
        #expect(outcome.status == code, "\(outcome.errors)")
        #expect(outcome.faults.count == 1, "\(outcome.errors)")
        #expect(outcome.errors.contains(word), "\(outcome.errors)")
      }
      try expect(["launch", "-n", "2", "--", "doctor"], 64, "train")
      try expect(["launch", "-n", "0", "--", "train", "digits"], 64, "-n 0")
      try expect(["launch", "-n", "2", "--", "train", "nothing"], 64, "nothing")
      try expect(try launch(folder, [], ["--set", "virtual_ranks=3"]), 64, "divides")
      for options in ["--bogus", "--map-by nonsense"] {
        try expect(try launch(folder, ["--mpirun", options]), 64, "correct --mpirun")
      }
      let hosts = folder + "/hosts"
      try "localhost slots=1\n".write(toFile: hosts, atomically: true, encoding: .utf8)
      try expect(try launch(folder, ["--hostfile", hosts]), 64, "slots for 1")
      try "localhost\n".write(toFile: hosts, atomically: true, encoding: .utf8)
      try expect(try launch(folder, ["--hostfile", hosts]), 64, "hosts:1")
      try expect(try launch(folder, [], ["--set", "data.classes=7"]), 65, "label")
    }
  }

  @Test func aSignalStopsTheJobWithACheckpoint() throws {
    try TemporaryFolder.with { folder in
      for signal in [SIGTERM, SIGINT] {
        let run = folder + "/run"
        try? FileManager.default.removeItem(atPath: run)
        let running = try Program.start(
          try launch(
            folder, [],
            Job.endless))
        #expect(running.reachesACheckpoint(run))
        running.signalLaunch(signal)
        let outcome = running.wait()
        #expect(outcome.status == 75, "\(outcome.errors)")
        #expect(outcome.output.contains("--resume auto"))
        #expect(!outcome.errors.contains("restart"))
      }
    }
  }

  @Test func aRestartThatFindsItsDataGoneIsGivenUp() throws {
    try TemporaryFolder.with { folder in
      let data = folder + "/data.safetensors"
      try FileManager.default.copyItem(
        atPath: Program.repository + "/Sources/DLData/Resources/digits-train.safetensors",
        toPath: data)
      let running = try Program.start(
        try launch(
          folder, ["--max-restarts", "1"],
          ["--set", "data.train=\(data)", "--set", "steps=1000000000"]))
      #expect(running.reachesACheckpoint(folder + "/run"))
      try FileManager.default.removeItem(atPath: data)
      running.kill(rank: 1)
      let outcome = running.wait()
      #expect(outcome.status == 74, "\(outcome.errors)")
      #expect(outcome.errors.contains("gave up after 2 failures"), "\(outcome.errors)")
      #expect(
        outcome.faults.contains {
          $0.hasPrefix("dltrain: failure 2: ") && $0.contains("data.safetensors")
        })
    }
  }

  @Test func aRunThatAlwaysFailsIsGivenUpWithItsReasons() throws {
    try TemporaryFolder.with { folder in
      // A file where the folder of the checkpoints is to be.
      try FileManager.default.createDirectory(
        atPath: folder + "/run", withIntermediateDirectories: true)
      try Data().write(to: URL(fileURLWithPath: folder + "/run/checkpoints"))
      let outcome = try Program.run(try launch(folder, ["--max-restarts", "2"]))
      #expect(outcome.status == 74, "\(outcome.errors)")
      #expect(outcome.errors.contains("gave up after 3 failures"), "\(outcome.errors)")
      for number in 1...3 {
        #expect(outcome.faults.contains { $0.hasPrefix("dltrain: failure \(number): ") })
      }
    }
  }
}
