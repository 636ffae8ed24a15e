import DLTestSupport
import Foundation
import Testing

/// Ranks killed at random moments under `dltrain launch`: the run ends with the bits of one that
/// nothing disturbed.
@Suite(.serialized)
struct KillTests {
  /// Where a rank may be hit, by the names that the ranks give their threads.
  private enum Phase: String, CaseIterable {
    case start, step, save, eval, end
  }

  /// One kill for each phase; `DLTRAIN_KILLS=50` makes fifty, ten for each.
  private static var kills: Int {
    let wanted = ProcessInfo.processInfo.environment["DLTRAIN_KILLS"].flatMap { Int($0) } ?? 0
    return max(wanted, Phase.allCases.count)
  }

  private static let job = [
    "--set", "steps=40", "--set", "batch_size=60", "--set", "validate={every_steps: 4}",
    "--set", "checkpoint={every_steps: 3, keep: 2}",
  ]

  @Test func aRankKilledInAnyPhaseChangesNothing() throws {
    try TemporaryFolder.with { folder in
      let train = ["train", try Job.write(to: folder)] + KillTests.job
      let whole = folder + "/undisturbed"
      let outcome = try Program.run(train + ["--out", whole], processes: 2)
      #expect(outcome.status == 0, "\(outcome.errors)")
      let tensors = try Job.tensors(whole, step: 40)
      let metrics = try Job.metrics(whole)

      var hits: [Phase: Int] = [:]
      for index in 0..<KillTests.kills {
        let phase = Phase.allCases[index % Phase.allCases.count]
        let rank = Int.random(in: 0..<2)
        let run = "\(folder)/killed"
        let killed = try kill(rank, in: phase, train, run)
        guard let killed else {
          Issue.record("kill \(index): never met rank \(rank) in \(phase)")
          continue
        }
        let cost = killed.faults.first { $0.hasPrefix("dltrain: restart 1: ") }
        print(
          "kill \(index): rank \(rank) in \(phase); \(cost ?? "-")"
        )
        hits[phase, default: 0] += 1
        #expect(killed.status == 0, "\(phase), rank \(rank): \(killed.errors)")
        #expect(
          killed.errors.contains("restart 1 of 3"), "\(phase), rank \(rank): \(killed.errors)")
        #expect(try Job.tensors(run, step: 40) == tensors, "\(phase), rank \(rank)")
        #expect(try Job.metrics(run) == metrics, "\(phase), rank \(rank)")
      }
      for phase in Phase.allCases { #expect(hits[phase, default: 0] >= KillTests.kills / 10) }
    }
  }

  /// Launches the job until the rank could be killed in the phase; nil where it never was.
  private func kill(_ rank: Int, in phase: Phase, _ train: [String], _ run: String) throws
    -> Outcome?
  {
    // A phase may be over in the moment in which this process does not run.
    for _ in 0..<200 {
      try? FileManager.default.removeItem(atPath: run)
      let running = try Program.start(
        ["launch", "-n", "2", "--"] + train + ["--out", run])
      let isKilled = catchRank(rank, in: phase, of: running)
      let outcome = running.wait()
      if isKilled { return outcome }
      #expect(outcome.status == 0, "\(outcome.errors)")
    }
    return nil
  }

  /// Kills a rank at a random moment within a phase; false where the job was over before.
  private func catchRank(_ rank: Int, in phase: Phase, of running: RunningProgram) -> Bool {
    var ranks: [pid_t] = []
    guard
      running.wait(until: {
        ranks = running.ranks
        return ranks.count == 2
      })
    else { return false }
    if phase != .start { _ = running.wait { RunningProgram.phase(ranks[0]) == "step" } }
    // From the first step to the end takes half a second or more, a start about as long.
    let waits = phase != .end
    let from = Date().addingTimeInterval(waits ? Double.random(in: 0...0.4) : 0)
    while running.process.isRunning {
      guard Date() >= from, isIn(phase, rank, ranks) else {
        usleep(100)
        continue
      }
      // Stopped, the ranks stay where they are seen.
      for process in ranks { RunningProgram.stop(process) }
      let isThere = isIn(phase, rank, ranks)
      if isThere { Foundation.kill(ranks[rank], SIGKILL) }
      for process in ranks { Foundation.kill(process, SIGCONT) }
      if isThere { return true }
    }
    return false
  }

  private func isIn(_ phase: Phase, _ rank: Int, _ ranks: [pid_t]) -> Bool {
    if phase == .save, RunningProgram.threads(ranks[0]).contains("checkpoint:busy") { return true }
    return RunningProgram.phase(ranks[rank]) == phase.rawValue
  }
}
