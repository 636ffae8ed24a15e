import DLCore
import DLFormats
import Foundation
import Testing

/// What runs that end in different ways have in common.
enum RunEndJob {
  /// How ranks are started: the processes under mpirun, or nil for two threads of one process.
  static let layouts: [Int?] = [nil, 2]

  static func ranks(_ processes: Int?) -> [String] { processes == nil ? ["--ranks", "2"] : [] }

  /// A job that does not end by itself, with a checkpoint after every so many steps.
  static func endless(_ folder: String, savesEvery steps: Int = 20) throws -> [String] {
    [
      "train", try Job.write(to: folder), "--out", folder + "/run", "--set", "steps=1000000",
      "--set", "validate={every_steps: 1000000}", "--set",
      "checkpoint={every_steps: \(steps), keep: 3}",
    ]
  }

  static func summary(_ run: String) throws -> JSON {
    try JSON(parsing: String(contentsOfFile: run + "/summary.json", encoding: .utf8))
  }

  static func hasCheckpoint(_ run: String) -> Bool {
    FileManager.default.fileExists(atPath: run + "/checkpoints/latest")
  }

  /// The steps that metrics.jsonl holds.
  static func steps(_ run: String) throws -> [Int] {
    try Job.records(run, "step").compactMap { $0["step"]?.int }
  }

  /// Waits until steps are noted.
  static func reachesSteps(_ running: RunningProgram, _ run: String) -> Bool {
    running.wait { ((try? steps(run)) ?? []).count > 1 }
  }

  /// Checks that a run has left every step's line, and says how it ended.
  ///
  /// - Returns: what stands under `end` in its summary.
  @discardableResult
  static func expectEnd(
    _ run: String, _ reason: String, exitCode: Int?, step: Int? = nil,
    sourceLocation: SourceLocation = #_sourceLocation
  ) throws -> JSON {
    let summary = try summary(run)
    let end = try #require(summary["end"], sourceLocation: sourceLocation)
    #expect(end["reason"]?.string == reason, "\(end)", sourceLocation: sourceLocation)
    if let exitCode {
      #expect(end["exit_code"]?.int == exitCode, "\(end)", sourceLocation: sourceLocation)
    }
    if let step { #expect(end["step"]?.int == step, "\(end)", sourceLocation: sourceLocation) }
    #expect(end["message"]?.string?.isEmpty == false, "\(end)", sourceLocation: sourceLocation)
    let last = end["step"]?.int ?? -1
    let steps = try steps(run)
    let isWhole = steps == Array(1..<last + 1)
    #expect(isWhole, "\(steps.count) steps: \(end)", sourceLocation: sourceLocation)
    let isFinished = ["finished", "early_stop"].contains(reason)
    #expect(
      summary["finished"] == .bool(isFinished), "\(summary)", sourceLocation: sourceLocation)
    let left = try FileManager.default.contentsOfDirectory(atPath: run)
    #expect(left.filter { $0.hasSuffix(".tmp") }.isEmpty, sourceLocation: sourceLocation)
    return end
  }
}
