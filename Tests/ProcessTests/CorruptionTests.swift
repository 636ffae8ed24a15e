import DLTestSupport
import Foundation
import Testing

/// Bits flipped from outside in the memory of running ranks: the run ends with a line that names the
/// tensor, and under `dltrain launch` with the bits of one that nothing disturbed.
@Suite(.serialized)
struct CorruptionTests {
  /// A job whose parameters, and squares of gradients, stay near those of its last checkpoint.
  private static let job =
    Job.endless + [
      "--set", "batch_size=30", "--set", "optimizer={name: rmsprop, lr: 1.0e-9, alpha: 0.9999}",
      "--set", "integrity.compare_every_steps=1",
    ]

  /// Flips a bit in a run under launch, until one was found.
  ///
  /// - Parameter flip: changes the memory of the stopped ranks, given the tensors of the newest
  ///   checkpoint; false where it could not.
  private func expectRecovery(
    _ options: [String] = [], naming words: [String],
    flip: ([pid_t], _ tensors: [String: [UInt8]]) -> Bool
  ) throws {
    try TemporaryFolder.with { folder in
      let train = ["train", try Job.write(to: folder)] + CorruptionTests.job + options
      let run = folder + "/run"
      for _ in 0..<5 {
        try? FileManager.default.removeItem(atPath: run)
        let running = try Program.start(
          ["launch", "-n", "2", "--"] + train + ["--out", run])
        let isFlipped = meddle(running, run, flip)
        // A bit of a copy that nobody reads any more is never found.
        let step = Job.latestStep(run) ?? 0
        let isFound = running.wait {
          running.errors.contains("restart 1 of 3") || Job.latestStep(run) ?? 0 > step + 100
        }
        #expect(isFound)
        if running.errors.contains("restart 1 of 3") {
          #expect(running.reachesACheckpoint(run, after: step))
        }
        running.signalLaunch(SIGTERM)
        let outcome = running.wait()
        #expect(outcome.status == 75, "\(outcome.errors)")
        try expectUndisturbed(run, train, folder)
        guard isFlipped, outcome.errors.contains("restart 1 of 3") else { continue }
        #expect(
          words.contains { outcome.errors.contains($0) }, "\(words) in \(outcome.errors)")
        return
      }
      Issue.record("no bit could be flipped, or none was found")
    }
  }

  /// The newest checkpoint of a run is that of one that nothing disturbed.
  private func expectUndisturbed(_ run: String, _ train: [String], _ folder: String) throws {
    let step = try #require(Job.latestStep(run))
    let whole = "\(folder)/whole-\(step)"
    let outcome = try Program.run(
      train + ["--out", whole, "--stop-at", String(step)], processes: 2)
    #expect(outcome.status == 0, "\(outcome.errors)")
    #expect(try Job.tensors(run, step: step) == Job.tensors(whole, step: step))
  }

  /// Stops the ranks in a step behind the first checkpoint, and lets `flip` at them.
  private func meddle(
    _ running: RunningProgram, _ run: String, _ flip: ([pid_t], [String: [UInt8]]) -> Bool
  ) -> Bool {
    let latest = run + "/checkpoints/latest"
    guard running.wait(until: { FileManager.default.fileExists(atPath: latest) }) else {
      return false
    }
    let ranks = running.ranks
    guard ranks.count == 2 else { return false }
    while running.process.isRunning {
      for rank in ranks { RunningProgram.stop(rank) }
      defer { for rank in ranks { kill(rank, SIGCONT) } }
      // Not while a copy is being written that is not the run's any more.
      if ranks.allSatisfy({ RunningProgram.phase($0) == "step" }),
        !RunningProgram.threads(ranks[0]).contains("checkpoint:busy"),
        let name = try? String(contentsOfFile: latest, encoding: .utf8),
        let step = Int(name.filter(\.isNumber)),
        let tensors = try? Job.tensors(run, step: step)
      {
        return flip(ranks, tensors)
      }
      usleep(1000)
    }
    return false
  }

  private func firstNumbers(_ bytes: [UInt8]?) -> [Double] {
    (bytes ?? []).withUnsafeBytes { raw in
      (0..<min(raw.count / 8, 16)).map {
        raw.loadUnaligned(fromByteOffset: 8 * $0, as: Double.self)
      }
    }
  }

  /// Flips a high bit of the mantissa wherever the first rank that has about these numbers has them.
  private func flip(
    _ bytes: [UInt8]?, within factor: Double, in ranks: [pid_t],
    where isWanted: (ProcessMemory.Region) -> Bool = { $0.file.isEmpty || $0.file == "[heap]" }
  ) -> Bool {
    let values = firstNumbers(bytes)
    guard values.count == 16, values.allSatisfy({ $0 != 0 }) else { return false }
    for rank in ranks {
      var count = 0
      let memory = ProcessMemory(process: rank)
      for address in memory.find(about: values, within: factor, in: isWanted)
      where memory.flip(bit: 3, at: address + 5) { count += 1 }
      if count > 0 { return true }
    }
    return false
  }

  @Test func aBitOfTheSharedArena() throws {
    try expectRecovery(naming: ["8.weight has changed in memory"]) { ranks, tensors in
      flip(tensors["8.weight"], within: 1.1, in: ranks) { $0.file.contains("/dltrain-arena-") }
    }
  }

  @Test func aBitOfTheOptimizersState() throws {
    try expectRecovery(naming: ["the optimizer's square_avg of 8.weight has changed in memory"]) {
      ranks, tensors in flip(tensors["optimizer.square_avg.8.weight"], within: 4, in: ranks)
    }
  }

  @Test func aBitOfOneHostsParameters() throws {
    try expectRecovery(
      ["--reduce", "mpi"],
      naming: [
        "8.weight is not the same on rank 0 and on rank 1", "8.weight has changed in memory",
      ]
    ) { ranks, tensors in flip(tensors["8.weight"], within: 1.1, in: ranks) }
  }

  /// Without launch the ranks end with one line, and `--resume auto` goes on.
  @Test func aRunThatIsNotSupervisedEndsWithOneLine() throws {
    try TemporaryFolder.with { folder in
      let run = folder + "/run"
      let train = ["train", try Job.write(to: folder)] + CorruptionTests.job
      let running = try Program.start(train + ["--out", run], processes: 2)
      let isFlipped = meddle(running, run) { ranks, tensors in
        flip(tensors["optimizer.square_avg.8.weight"], within: 4, in: ranks)
      }
      let outcome = running.wait()
      #expect(isFlipped)
      #expect(outcome.status == 70, "\(outcome.errors)")
      #expect(outcome.faults.count == 1, "\(outcome.errors)")
      #expect(outcome.errors.contains("square_avg of 8.weight"), "\(outcome.errors)")
      let step = try #require(Job.latestStep(run))
      let resumed = try Program.run(
        train + ["--out", run, "--resume", "auto", "--stop-at", String(step + 50)], processes: 2)
      #expect(resumed.status == 0, "\(resumed.errors)")
      try expectUndisturbed(run, train, folder)
    }
  }
}
