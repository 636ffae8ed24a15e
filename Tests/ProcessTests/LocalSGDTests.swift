import DLTestSupport
import Foundation
import Testing

/// Local steps through the real binary.
@Suite(.serialized)
struct LocalSGDTests {
  private static let settings = [
    "steps=24", "local_sgd={period: 5, start_steps: 3}", "validate={every_steps: 12}",
    "checkpoint={every_steps: 12}",
  ]

  private func arguments(
    _ folder: String, _ name: String, _ settings: [String] = LocalSGDTests.settings
  ) throws -> [String] {
    try ["train", Job.write(to: folder), "--out", "\(folder)/\(name)"]
      + settings.flatMap { ["--set", $0] }
  }

  /// The same virtual ranks give the same bits on any number of processes, also where a run stops
  /// and goes on at another.
  @Test func virtualRanksGiveTheSameBits() throws {
    try TemporaryFolder.with { folder in
      for (index, more) in ["precision=float32", "sync_batch_norm=false"].enumerated() {
        let settings = LocalSGDTests.settings + ["virtual_ranks=4", more]
        func run(_ name: String, processes: Int?, _ extra: String...) throws {
          let outcome = try Program.run(
            arguments(folder, name, settings) + extra, processes: processes)
          #expect(outcome.status == 0, "\(name): \(outcome.errors)")
        }
        try run("whole-\(index)", processes: nil)
        let whole = try Job.tensors("\(folder)/whole-\(index)", step: 24)
        try run("split-\(index)", processes: 2)
        #expect(try Job.tensors("\(folder)/split-\(index)", step: 24) == whole)
        try run("cut-\(index)", processes: 4, "--stop-at", "6")
        try run("cut-\(index)", processes: 2, "--resume", "auto")
        #expect(try Job.tensors("\(folder)/cut-\(index)", step: 24) == whole)
        #expect(
          FileManager.default.fileExists(atPath: Job.checkpoint("\(folder)/cut-\(index)", step: 8)))
        #expect(
          try Job.metrics("\(folder)/cut-\(index)") == Job.metrics("\(folder)/whole-\(index)"))
      }
    }
  }

  /// SIGUSR1 between two averagings: the run stops at the next one, and goes on to the same bits.
  @Test func aSignalWaitsForTheNextAveraging() throws {
    try TemporaryFolder.with { folder in
      let settings = [
        "steps=600", "local_sgd={period: 50, start_steps: 10}", "validate={every_steps: 600}",
        "checkpoint={every_steps: 600}",
      ]
      let whole = try Program.run(arguments(folder, "whole", settings), processes: 2)
      #expect(whole.status == 0, "\(whole.errors)")
      let cut = try arguments(folder, "cut", settings)
      let running = try Program.start(cut, processes: 2)
      let log = "\(folder)/cut/metrics.jsonl"
      #expect(
        running.wait { ((try? String(contentsOfFile: log, encoding: .utf8)) ?? "").count > 200 })
      for process in running.ranks { kill(process, SIGUSR1) }
      let outcome = running.wait()
      // A run may end before the signal arrives.
      #expect([0, 75].contains(outcome.status), "\(outcome.errors)")
      let checkpoints = try FileManager.default.contentsOfDirectory(
        atPath: "\(folder)/cut/checkpoints")
      for step in checkpoints.compactMap({ Int($0.dropFirst(5).prefix(8)) }) {
        #expect(step <= 10 || (step - 10) % 50 == 0 || step == 600, "stopped at \(step)")
      }
      let rest = try Program.run(cut + ["--resume", "auto"], processes: 2)
      #expect(rest.status == 0, "\(rest.errors)")
      #expect(
        try Job.tensors("\(folder)/cut", step: 600) == Job.tensors("\(folder)/whole", step: 600))
    }
  }
}
