import DLTestSupport
import Foundation
import Testing

/// Runs that are interrupted and go on.
@Suite(.serialized)
struct ResumeTests {
  private func undisturbed(_ folder: String, processes: Int?) throws -> (
    tensors: [String: [UInt8]], metrics: [String]
  ) {
    let run = folder + "/undisturbed"
    let arguments = ["train", try Job.write(to: folder), "--out", run] + ranks(processes)
    let outcome = try Program.run(arguments, processes: processes)
    #expect(outcome.status == 0, "\(outcome.errors)")
    return (try Job.tensors(run, step: 12), try Job.metrics(run))
  }

  private func ranks(_ processes: Int?) -> [String] { processes == nil ? ["--ranks", "2"] : [] }

  @Test func stoppedAtEveryStepAndResumedGivesTheSameBits() throws {
    try TemporaryFolder.with { folder in
      let whole = try undisturbed(folder, processes: nil)
      let configuration = try Job.write(to: folder)
      for step in 1..<12 {
        let run = "\(folder)/stopped-\(step)"
        let arguments = ["train", configuration, "--out", run, "--ranks", "2"]
        let first = try Program.run(arguments + ["--stop-at", String(step)])
        #expect(first.status == 0, "\(first.errors)")
        let second = try Program.run(arguments + ["--resume", "auto"])
        #expect(second.status == 0, "\(second.errors)")
        #expect(try Job.tensors(run, step: 12) == whole.tensors, "stopped at \(step)")
        #expect(try Job.metrics(run) == whole.metrics, "stopped at \(step)")
      }
    }
  }

  @Test func killedProcessesResumeToTheSameBits() throws {
    try TemporaryFolder.with { folder in
      let whole = try undisturbed(folder, processes: 2)
      let configuration = try Job.write(to: folder)
      for (step, rank) in [(2, 0), (5, 1), (9, 1)] {
        let run = "\(folder)/killed-\(step)"
        let arguments = ["train", configuration, "--out", run]
        let running = try Program.start(arguments, processes: 2)
        let reached = running.wait {
          FileManager.default.fileExists(atPath: Job.checkpoint(run, step: step))
        }
        #expect(reached)
        running.kill(rank: rank)
        let outcome = running.wait()
        // A short run may end before the signal arrives; then there is nothing to resume.
        #expect(outcome.status != 124)
        let resumed = try Program.run(arguments + ["--resume", "auto"], processes: 2)
        #expect(resumed.status == 0, "\(resumed.errors)")
        #expect(try Job.tensors(run, step: 12) == whole.tensors, "killed after \(step)")
        #expect(try Job.metrics(run) == whole.metrics, "killed after \(step)")
      }
    }
  }

  @Test func resumesAtAnotherNumberOfRanksFromTheSameSample() throws {
    try TemporaryFolder.with { folder in
      let whole = try undisturbed(folder, processes: 2)
      let run = folder + "/moved"
      let arguments = ["train", try Job.write(to: folder), "--out", run]
      #expect(try Program.run(arguments + ["--stop-at", "5"], processes: 3).status == 0)
      #expect(try Program.run(arguments + ["--resume", "auto"], processes: 4).status == 0)
      #expect(Job.largestDifference(try Job.tensors(run, step: 12), whole.tensors) < 1e-10)
    }
  }

  /// As when a job is killed after its last checkpoint and started again.
  @Test(arguments: ["5", "3"])
  func aRunThatIsAtItsStopDoesNothing(stop: String) throws {
    try TemporaryFolder.with { folder in
      let run = folder + "/stopped"
      let arguments = ["train", try Job.write(to: folder), "--out", run]
      #expect(try Program.run(arguments + ["--stop-at", "5"], processes: 2).status == 0)
      let (lines, tensors) = (try Job.metrics(run), try Job.tensors(run, step: 5))
      let again = try Program.run(
        arguments + ["--resume", "auto", "--stop-at", stop], processes: 2)
      #expect(again.status == 0, "\(again.errors)")
      #expect(again.output.contains("nothing to do"), "\(again.output)")
      #expect(try Job.metrics(run) == lines)
      #expect(try Job.tensors(run, step: 5) == tensors)
    }
  }

  @Test func aSignalStopsAfterTheStepAndTheRunGoesOn() throws {
    try TemporaryFolder.with { folder in
      let run = folder + "/signalled"
      let arguments = [
        "train", try Job.write(to: folder), "--out", run, "--set", "steps=1000000000", "--set",
        "checkpoint={every_steps: 1000000}", "--set", "validate={every_steps: 1000000}",
      ]
      let running = try Program.start(arguments, processes: 2)
      let log = run + "/metrics.jsonl"
      #expect(
        running.wait { ((try? String(contentsOfFile: log, encoding: .utf8)) ?? "").count > 200 })
      for process in running.ranks { kill(process, SIGUSR1) }
      let outcome = running.wait()
      #expect(outcome.status == 75, "\(outcome.errors)")
      let step = try #require(Job.latestStep(run))
      let resumed = try Program.run(
        arguments + ["--resume", "auto", "--stop-at", String(step + 50)], processes: 2)
      #expect(resumed.status == 0, "\(resumed.errors)")
    }
  }
}
