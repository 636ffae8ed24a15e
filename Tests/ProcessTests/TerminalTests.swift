import DLTestSupport
import Foundation
import Testing

/// What the program prints on terminals of several widths: no line is wider, and no number is cut.
@Suite struct TerminalTests {
  /// Commands that print the same at each call, beside what they print into a file.
  @Test(arguments: [60, 80, 100])
  func reportsKeepToTheTerminal(_ columns: Int) throws {
    try TemporaryFolder.with { folder in
      let config = try Job.write(to: folder)
      let run = folder + "/run"
      let trained = try Program.run(
        ["train", config, "--out", run, "--ranks", "1", "--set", "steps=1"], in: folder)
      #expect(trained.status == 0, "\(trained.errors)")
      for arguments in [
        ["recipes"], ["inspect", "digits"], ["inspect", config],
        ["inspect", "resnet20-cifar10"],
        ["inspect", Job.checkpoint("run", step: 1)], ["validate", config],
        ["data", "describe", "embedded:digits-train"], ["evaluate", "run", "--ranks", "1"],
      ] {
        let screen = try Terminal(columns: columns).run(arguments, in: folder)
        let plain = try Program.run(arguments, in: folder)
        #expect(screen.status == plain.status, "\(arguments): \(screen.errors)")
        #expect(screen.widest.count <= columns, "\(arguments): \(screen.widest)")
        #expect(screen.numbers == Screen.numbers(plain.output), "\(arguments)")
      }
      for arguments in [
        ["doctor"], ["inspect", "digits", "--schedule"],
        ["bench", "allreduce", "--sizes", "4K", "--seconds", "0.01", "--ranks", "2"],
      ] {
        let screen = try Terminal(columns: columns).run(arguments, in: folder)
        #expect(screen.status == 0, "\(arguments): \(screen.errors)")
        #expect(screen.widest.count <= columns, "\(arguments): \(screen.widest)")
      }
    }
  }

  /// The live table: fewer columns where there is less room, the losses and the time always whole.
  @Test(arguments: [40, 60, 80, 100, 160])
  func trainingKeepsToTheTerminal(_ columns: Int) throws {
    try TemporaryFolder.with { folder in
      let config = try Job.write(to: folder)
      let screen = try Terminal(columns: columns).run(
        ["train", config, "--out", "run", "--ranks", "2"], in: folder)
      #expect(screen.status == 0, "\(screen.errors)")
      #expect(screen.widest.count <= columns, "\(screen.widest)")
      let records = try Job.records(folder + "/run", "validation")
      #expect(records.count == 2)
      let table = screen.lines.filter { line in
        line.split(separator: " ").contains { $0 == "6" || $0 == "12" }
      }
      for record in records {
        let loss = String(format: "%.4f", record["loss"]?.double ?? .nan)
        #expect(table.contains { $0.contains(" " + loss) }, "\(loss) \(table)")
      }
      let heading = screen.lines.first { $0.contains(" step ") && $0.contains("val loss") } ?? ""
      #expect(heading.contains("opt") == (columns >= 100), "\(heading)")
      #expect(heading.contains("bn") == (columns >= 100), "\(heading)")
      #expect(heading.contains("data") == (columns >= 80), "\(heading)")
      let legends = screen.lines.filter { $0.contains("shares of the time:") }
      #expect(legends.count == (columns >= 80 ? 1 : 0))
    }
  }

  /// A recipe's YAML stays as it is, and the comments before it keep to the terminal.
  @Test func recipesKeepTheirYAML() throws {
    try TemporaryFolder.with { folder in
      let arguments = ["recipes", "gpt-shakespeare"]
      let screen = try Terminal(columns: 60).run(arguments, in: folder)
      let plain = try Program.run(arguments, in: folder)
      func yaml(_ text: String) -> [String] {
        text.split(whereSeparator: \.isNewline).map(String.init).filter { !$0.hasPrefix("#") }
      }
      #expect(yaml(screen.text) == yaml(plain.output) && !yaml(screen.text).isEmpty)
      #expect(screen.lines.filter { $0.hasPrefix("#") }.allSatisfy { $0.count <= 60 })
      #expect(screen.numbers == Screen.numbers(plain.output))
    }
  }

  /// Files and pipes get whole lines.
  @Test func filesGetWholeLines() throws {
    try TemporaryFolder.with { folder in
      let config = try Job.write(to: folder)
      let plain = try Program.run(
        ["train", config, "--out", "run", "--ranks", "2"], in: folder)
      let heading = plain.output.split(separator: "\n").first { $0.contains("val loss") } ?? ""
      #expect(heading.hasSuffix("data   bn wait  sum  opt time left"), "\(heading)")
      #expect(!plain.output.contains("\u{1b}") && !plain.output.contains("\r"))
      #expect(plain.output.components(separatedBy: "shares of the time:").count == 2)
    }
  }

  /// A terminal that does not know its size has COLUMNS, or 80.
  @Test func aTerminalWithoutASize() throws {
    try TemporaryFolder.with { folder in
      let unknown = try Terminal(columns: 0).run(["recipes"], in: folder)
      let usual = try Terminal(columns: 80).run(["recipes"], in: folder)
      #expect(unknown.text == usual.text)
      let told = try Terminal(columns: 0).run(
        ["recipes"], in: folder, environment: ["COLUMNS": "60"])
      #expect(try told.text == Terminal(columns: 60).run(["recipes"], in: folder).text)
    }
  }

  /// Under mpirun the terminal is that of mpirun.
  @Test func mpirunsTerminalCounts() throws {
    try TemporaryFolder.with { folder in
      let config = try Job.write(to: folder)
      for columns in [60, 100] {
        let screen = try Terminal(columns: columns).run(
          ["train", config, "--out", "run-\(columns)"], processes: 2, in: folder)
        #expect(screen.status == 0, "\(screen.errors)")
        #expect(screen.widest.count <= columns, "\(screen.widest)")
        let heading = screen.lines.first { $0.contains(" step ") && $0.contains("val loss") }
        #expect(heading?.contains(" opt ") == (columns == 100), "\(heading ?? "")")
      }
      let plain = try Program.run(["train", config, "--out", "run"], processes: 2, in: folder)
      #expect(plain.output.contains("  opt time left"))
    }
  }

  /// Nothing of batch norm where there is none, and counts of one are singular.
  @Test func onlyWhatThereIsIsShown() throws {
    try TemporaryFolder.with { folder in
      let model = "model.layers=[flatten, {linear: {out: 10}}]"
      let outcome = try Program.run(
        [
          "train", "digits", "--out", "run", "--ranks", "2", "--set", model, "--set",
          "batch_size=1437", "--set", "epochs=1", "--set", "schedule=null",
        ], in: folder)
      #expect(outcome.status == 0, "\(outcome.errors)")
      #expect(!outcome.output.contains("bn") && !outcome.output.contains("SyncBN"))
      #expect(outcome.output.contains("1,437 rows, batch 1437, 1 epoch, 1 step,"))
      let alone = try Program.run(
        ["train", try Job.write(to: folder), "--out", "alone", "--ranks", "1"], in: folder)
      #expect(alone.output.contains(", 1 rank,") && !alone.output.contains(" bn "))
      let summary = try Program.run(["validate", "digits"], in: folder)
      #expect(summary.output.contains("64 rows in 1 micro-batch\n"), "\(summary.output)")
    }
  }
}
