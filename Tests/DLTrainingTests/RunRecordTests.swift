import DLCluster
import DLCore
import DLTraining
import Foundation
import Testing

@Suite struct RunRecordTests {
  /// As where the disk was full: what was written in part is cut off, and the next line follows the last whole one.
  @Test func linesFollowEachOtherWhereSomeWereCutOff() throws {
    let bench = try Workbench()
    let path = bench.path + "/run/metrics.jsonl"
    let job = try bench.configuration(["steps=6", "validate.every_steps=1"])
    let meddler = Meddler(0) { _, _, step in
      guard step == 4, let file = try? File(path, .append) else { return }
      try? file.truncate(to: 0)
    }
    let trainer = try Trainer(
      job, options: bench.options("run"), communicator: SingleRank(), observers: [meddler])
    meddler.trainer = trainer
    _ = try trainer.train()
    let bytes = try File.contents(of: path)
    #expect(!bytes.isEmpty && !bytes.contains(0))
    #expect(try metrics(bench.path + "/run").last?["step"]?.int == 6)
  }

  /// As a signal does, whose thread ends the record while the rank's trains on.
  @Test func anEndAtAnyMomentTellsOfTheLastLine() throws {
    let bench = try Workbench()
    let job = try bench.configuration([
      "model={layers: [flatten, {linear: {out: 5}}]}", "steps=400", "validate.every_steps=1000",
    ])
    var reasons: Set<String> = []
    for attempt in 1...30 {
      let options = bench.options("run-\(attempt)") {
        $0.didOpen = { record in
          Thread.detachNewThread {
            usleep(UInt32(attempt * 700))
            try? record.end(.interrupted, exitCode: 143, message: "terminated")
          }
        }
      }
      try train(job, options)
      let folder = "\(bench.path)/run-\(attempt)"
      let lines = try metrics(folder).compactMap { $0["step"]?.int }
      let text = String(decoding: try File.contents(of: folder + "/summary.json"), as: UTF8.self)
      let summary = try JSON(parsing: text)
      #expect(summary["end"]?["step"]?.int == lines.last ?? 0, "attempt \(attempt)")
      #expect(summary["last"]?["step"]?.int == lines.last ?? 0, "attempt \(attempt)")
      reasons.insert(summary["end"]?["reason"]?.string ?? "")
    }
    #expect(reasons.contains("interrupted"))
  }
}
