import DLCore
import DLTestSupport
import Foundation
import Testing

/// `dltrain study`: the same table whichever way the ranks go about the runs, and after a kill.
@Suite(.serialized) struct StudyTests {
  /// Two learning rates and two seeds of the small job, one of which diverges.
  static func write(to folder: String, steps: Int = 4) throws -> String {
    _ = try Job.write(to: folder)
    let path = folder + "/study.yaml"
    let yaml = """
      name: rates
      job: small.yaml
      set: {steps: \(steps), schedule.warmup_steps: 0, validate: {every_steps: 2}}
      grid: {optimizer.lr: [0.05, 1.0e+30]}
      seeds: [1, 2]
      table: [validation.accuracy, validation.loss, train.loss, steps]

      """
    try yaml.write(toFile: path, atomically: true, encoding: .utf8)
    return path
  }

  /// The lines of the journal by run, without the measured times.
  static func journal(_ folder: String) throws -> [String: String] {
    let text = try String(contentsOfFile: folder + "/journal.jsonl", encoding: .utf8)
    var runs: [String: String] = [:]
    for line in text.split(separator: "\n").dropFirst() {
      let json = try JSON(parsing: String(line))
      let figures = try #require(json["figures"]?.members).filter { $0.key != "seconds" }
      let rest = try #require(json.members).filter { $0.key != "figures" }
      let name = try #require(json["run"]?.string)
      #expect(runs[name] == nil, "\(name) stands twice")
      runs[name] = JSON.object(rest + figures).description
    }
    return runs
  }

  /// Ranks of runs of their own, on threads and processes, and all ranks on each run.
  @Test func theTableDoesNotDependOnTheRanks() throws {
    try TemporaryFolder.with { folder in
      let study = ["study", try Self.write(to: folder), "--set", "virtual_ranks=2"]
      let layouts: [(name: String, processes: Int?, ranks: String)] = [
        ("threads", nil, "shared"), ("processes", 2, "shared"), ("all", 2, "all"),
        ("one", 1, "all"),
      ]
      var tables: [String] = []
      for layout in layouts {
        let out = "\(folder)/\(layout.name)"
        let outcome = try Program.run(
          study + ["--ranks", layout.ranks, "--out", out], processes: layout.processes)
        #expect(outcome.status == 0, "\(layout): \(outcome.errors)")
        #expect(outcome.output.contains("2 of 2"), "\(outcome.output)")
        let lines = outcome.output.split(separator: "\n").filter {
          !$0.contains(folder) && !$0.hasPrefix("[")
        }
        #expect(lines.allSatisfy { $0.count <= 80 }, "\(outcome.output)")
        #expect(try Self.journal(out) == Self.journal(folder + "/threads"), "\(layout)")
        #expect(try Self.journal(out).count == 4)
        tables.append(try String(contentsOfFile: out + "/table.md", encoding: .utf8))
        let svg = try String(contentsOfFile: out + "/study.svg", encoding: .utf8)
        #expect(svg.contains("<polyline") && svg.hasSuffix("</svg>\n"))
      }
      #expect(Set(tables).count == 1, "\(tables)")
      let csv = try String(contentsOfFile: folder + "/all/table.csv", encoding: .utf8)
      let rows = csv.components(separatedBy: "\r\n")
      #expect(rows.count == 6 && rows[0].hasPrefix("lr,seed,fold,end,step,"), "\(csv)")
      #expect(rows[3].hasPrefix("1.0e+30,1,,diverged,"), "\(csv)")
    }
  }

  @Test(arguments: [nil, 2] as [Int?])
  func aKilledStudyGoesOnWithWhatIsMissing(processes: Int?) throws {
    try TemporaryFolder.with { folder in
      let study =
        ["study", try Self.write(to: folder, steps: 40), "--ranks", "all"]
        + ["--set", "virtual_ranks=2"]
      let whole = folder + "/whole"
      let undisturbed = try Program.run(study + ["--out", whole], processes: processes)
      #expect(undisturbed.status == 0, "\(undisturbed.errors)")

      let out = folder + "/killed"
      let running = try Program.start(study + ["--out", out], processes: processes)
      // Killed within the second run, once the first one is in the journal.
      let isInSecond = running.wait {
        let runs = (try? FileManager.default.contentsOfDirectory(atPath: out + "/runs")) ?? []
        let second = runs.first { $0.contains("seed=2") && $0.hasPrefix("lr=0.05") }
        return second.map { RunEndJob.hasCheckpoint("\(out)/runs/\($0)") } ?? false
      }
      #expect(isInSecond, "\(running.errors)")
      for rank in running.ranks { Foundation.kill(rank, SIGKILL) }
      #expect(running.wait().status != 0)
      #expect(try Self.journal(out).count == 1)

      let refused = try Program.run(study + ["--out", out], processes: processes)
      #expect(refused.status == 64 && refused.errors.contains("--resume"), "\(refused.errors)")
      let resumed = try Program.run(study + ["--out", out, "--resume"], processes: processes)
      #expect(resumed.status == 0, "\(resumed.errors)")
      #expect(resumed.output.contains("4 runs, 1 of them done"), "\(resumed.output)")
      #expect(try Self.journal(out) == Self.journal(whole))
      let table = try String(contentsOfFile: out + "/table.md", encoding: .utf8)
      #expect(table == (try String(contentsOfFile: whole + "/table.md", encoding: .utf8)))
    }
  }

  @Test func aColumnThatNoRunHasIsTold() throws {
    try TemporaryFolder.with { folder in
      let path = try Self.write(to: folder)
      let yaml = try String(contentsOfFile: path, encoding: .utf8)
      try yaml.replacingOccurrences(of: "validation.accuracy", with: "validation.acuracy")
        .write(toFile: path, atomically: true, encoding: .utf8)
      let outcome = try Program.run(["study", path, "--out", folder + "/out"])
      #expect(outcome.status == 0, "\(outcome.errors)")
      let told = "table: no run so far has validation.acuracy; there are best.accuracy, best.loss, "
      #expect(outcome.errors.contains(told), "\(outcome.errors)")
    }
  }

  @Test func aSignalStopsItAfterAStep() throws {
    try TemporaryFolder.with { folder in
      let study = ["study", try Self.write(to: folder, steps: 1_000_000), "--ranks", "all"]
      let out = folder + "/out"
      let running = try Program.start(study + ["--out", out])
      let isTraining = running.wait {
        let runs = (try? FileManager.default.contentsOfDirectory(atPath: out + "/runs")) ?? []
        return runs.first.map { RunEndJob.hasCheckpoint("\(out)/runs/\($0)") } ?? false
      }
      #expect(isTraining, "\(running.errors)")
      for rank in running.ranks { Foundation.kill(rank, SIGUSR1) }
      let stopped = running.wait()
      #expect(stopped.status == 75, "\(stopped.errors)")
      #expect(stopped.errors.contains("0 of 4 runs are done; go on with --resume"))
    }
  }

  @Test func aChangedFileKeepsTheRunsThatItLeaves() throws {
    try TemporaryFolder.with { folder in
      let path = try Self.write(to: folder)
      let out = folder + "/out"
      let first = try Program.run(["study", path, "--out", out])
      #expect(first.status == 0, "\(first.errors)")
      let before = try Self.journal(out)
      let text = try String(contentsOfFile: path, encoding: .utf8)
      try text.replacing("[0.05, 1.0e+30]", with: "[0.05, 0.01]")
        .write(toFile: path, atomically: true, encoding: .utf8)
      let second = try Program.run(["study", path, "--out", out, "--resume"])
      #expect(second.status == 0, "\(second.errors)")
      #expect(second.output.contains("4 runs, 2 of them done"), "\(second.output)")
      #expect(second.errors.contains("2 runs of it are not those of the study any more"))
      let after = try Self.journal(out)
      #expect(
        Set(after.keys) == [
          "lr=0.05 seed=1", "lr=0.05 seed=2", "lr=0.01 seed=1",
          "lr=0.01 seed=2",
        ])
      for name in ["lr=0.05 seed=1", "lr=0.05 seed=2"] { #expect(after[name] == before[name]) }
      // Another study's folder is refused.
      try text.replacing("name: rates", with: "name: others")
        .write(toFile: path, atomically: true, encoding: .utf8)
      let other = try Program.run(["study", path, "--out", out, "--resume"])
      #expect(other.status == 64 && other.faults.count == 1, "\(other.errors)")
    }
  }

  /// What can be known of a variant is told before the first one is trained.
  @Test(arguments: [nil, 2] as [Int?])
  func aVariantThatCannotBeTrainedIsNamedFirst(processes: Int?) throws {
    try TemporaryFolder.with { folder in
      _ = try Job.write(to: folder)
      let path = folder + "/study.yaml"
      let yaml = "job: small.yaml\nruns: [{name: a}, {name: b, set: {optimizer.name: muon}}]\n"
      try yaml.write(toFile: path, atomically: true, encoding: .utf8)
      for _ in 0..<2 {
        let outcome = try Program.run(
          ["study", path, "--out", folder + "/out"], processes: processes)
        #expect(outcome.status == 64 && outcome.faults.count == 1, "\(outcome.errors)")
        #expect(outcome.errors.contains("dltrain: b: optimizer: muon takes matrices"))
      }
    }
  }

  @Test func aDamagedJournalIsOneLine() throws {
    try TemporaryFolder.with { folder in
      let path = try Self.write(to: folder)
      for (index, text) in ["{\"study\":\"rates\"}\n{\"run\":1}\n", "nonsense\n", "[]\n", "\0"]
        .enumerated()
      {
        let out = "\(folder)/\(index)"
        try FileManager.default.createDirectory(atPath: out, withIntermediateDirectories: true)
        try text.write(toFile: out + "/journal.jsonl", atomically: true, encoding: .utf8)
        let outcome = try Program.run(["study", path, "--out", out, "--resume"])
        #expect(outcome.status == 65 && outcome.faults.count == 1, "\(outcome.errors)")
      }
    }
  }

  static let faults: [(yaml: String, line: String)] = [
    ("", "study.yaml: run: job is missing: name a recipe or a configuration file, as job: digits"),
    ("job: nowhere", "study.yaml: nowhere: \"nowhere\": no configuration file and no recipe, "),
    ("jobs: digits", "study.yaml:1:1: jobs: unknown key, did you mean job?"),
    (
      "job: digits\ngrid: {optimizer.lrr: [1]}",
      "study.yaml: lrr=1: --set optimizer.lrr: unknown key, did you mean lr?"
    ),
    (
      "job: digits\ngrid: {optimizer.lr: 1}",
      "study.yaml:2:22: grid.optimizer.lr: expected a list of values, found 1"
    ),
    (
      "job: digits\ngrid: {optimizer.lr: [1, 1]}",
      "study.yaml:2:22: grid.optimizer.lr: 1 stands twice"
    ),
    ("job: digits\ngrid: {a..b: [1]}", "study.yaml:2:8: grid: expected a key of the job"),
    ("job: digits\nruns: [{name: a}, {name: a}]", "study.yaml:2:7: runs: two runs are named \"a\""),
    ("job: digits\nruns: [{set: {}}]", "study.yaml:2:8: runs.0.name: missing"),
    ("job: digits\nseeds: [1, 1]", "study.yaml:2:8: seeds: 1 stands twice"),
    ("job: digits\ngrid: {seed: [1]}\nseeds: [1]", "study.yaml:3:8: seeds: give either"),
    ("job: digits\nfolds: 1", "study.yaml:2:8: folds: expected an integer of at least 2"),
    (
      "job: digits\ntable: [acuracy]", "study.yaml:2:8: table: \"acuracy\" is no figure, "
    ),
    ("job: digits\nplot: {x: lr}", "study.yaml:2:7: plot: x: \"lr\" is none of step, epoch"),
    ("job: digits\nplot: {y: seconds}", "study.yaml:2:7: plot: y: over step there are"),
    (
      "job: digits\nruns: [{name: a}, {name: b}]",
      "study.yaml: the runs a and b have the same configuration; leave one out"
    ),
    ("job: digits\nset: [", "study.yaml:3:1: not YAML: "),
  ]

  @Test func hostileFilesAreOneLine() throws {
    try TemporaryFolder.with { folder in
      for fault in Self.faults {
        try fault.yaml.write(toFile: folder + "/study.yaml", atomically: true, encoding: .utf8)
        let outcome = try Program.run(["study", "study.yaml", "--out", "out"], in: folder)
        #expect(outcome.status == 64, "\(fault.yaml): \(outcome.errors)")
        #expect(
          outcome.faults.count == 1 && outcome.faults[0].hasPrefix("dltrain: " + fault.line),
          "\(fault.yaml): \(outcome.errors)")
      }
      #expect(!FileManager.default.fileExists(atPath: folder + "/out"))
      for arguments in [["nothing"], ["."], ["study.yaml", "--ranks", "some"], ["--show", "x"]] {
        let outcome = try Program.run(["study"] + arguments, in: folder)
        #expect(outcome.status == 64 && outcome.faults.count == 1, "\(outcome.errors)")
      }
    }
  }
}
