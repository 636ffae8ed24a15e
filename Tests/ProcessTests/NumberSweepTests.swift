import DLTestSupport
import Foundation
import Testing

/// Values that no option of a number was meant for, in every one of them but those of a
/// configuration: a command ends well or with one line of its own and a documented exit code, by no
/// signal and without hanging.
@Suite(.serialized)
struct NumberSweepTests {
  private static let values = [
    "-1", "0", "1", "2147483647", "9223372036854775807", "nan", "inf", "1e308", "",
  ]
  /// A command without the option, and the option; the value follows its last word.
  struct Row: Sendable, CustomTestStringConvertible {
    let command: String
    let option: String
    /// A value that is good, by which the rest of the command is known to be.
    var good = "1"
    /// Values that are good and take long.
    var skipping: [String] = []
    var testDescription: String { "\(command) \(option)" }
  }

  static let rows: [Row] = [
    Row(command: "data pack text a.en -o packed", option: "--train-fraction=", good: "0.5"),
    Row(command: "data pack text a.en -o packed", option: "--split=", good: "0.6,0.2,0.2"),
    Row(command: "data pack images pictures -o packed", option: "--folds=", good: "2"),
    Row(command: "data pack csv table.csv --label -1 -o packed", option: "--folds=", good: "2"),
    Row(command: "data pack npz arrays.npz -o packed", option: "--folds=", good: "4"),
    Row(command: "data pack npz arrays.npz -o packed", option: "--split=", good: "0.5,0.25,0.25"),
    Row(command: "data pack npz arrays.npz -o packed --folds 2", option: "--seed="),
    Row(
      command: "data pack parallel a.de a.en -o packed --vocabulary 290", option: "--folds=",
      good: "2"),
    Row(
      command: "train sampled.yaml --out out --set", option: "data.sampler.weights=",
      good: "balanced"),
    Row(command: "train sampled.yaml --out out --set", option: "data.folds.count=", good: "2"),
    Row(command: "data pack parallel a.de a.en -o packed", option: "--vocabulary=", good: "290"),
    Row(command: "data pack images pictures -o packed", option: "--size=", good: "8x8"),
    Row(command: "data pack images pictures -o packed", option: "--channels="),
    Row(command: "data pack cora cora -o cora.safetensors", option: "--features=", good: "2"),
    Row(
      command: "bench scaling --workload rows.yaml --ranks 1 --steps 1", option: "--predict="),
    Row(command: "bench scaling --workload rows.yaml --steps 1", option: "--ranks="),
    Row(command: "bench scaling --workload rows.yaml --ranks 1", option: "--steps="),
    Row(command: "bench allreduce --seconds 0.001 --sizes 4", option: "--ranks="),
    Row(command: "bench allreduce --seconds 0.001 --ranks 1", option: "--sizes=", good: "4K"),
    Row(
      command: "bench allreduce --sizes 4 --ranks 1", option: "--seconds=", good: "0.001",
      skipping: ["1"]),
    Row(command: "bench step --config rows.yaml --steps 1", option: "--ranks="),
    Row(command: "bench step --config rows.yaml --ranks 1", option: "--steps="),
    Row(
      command: "bench step --config rows.yaml --ranks 1 --steps 1", option: "--batch-per-rank="),
    Row(command: "train rows.yaml --out out", option: "--ranks="),
    Row(command: "train rows.yaml --out out --ranks 1", option: "--stop-at="),
    Row(command: "launch", option: "-n= -- train rows.yaml --out out"),
    Row(command: "launch -n 1", option: "--max-restarts= -- train rows.yaml --out out"),
    Row(command: "launch -n 1", option: "--stop-limit= -- train rows.yaml --out out"),
    Row(command: "evaluate images", option: "--ranks="),
    Row(command: "evaluate images", option: "--views=", good: "mirrored"),
    Row(command: "predict images images.safetensors", option: "--checkpoint=", good: "latest"),
    Row(command: "generate lstm", option: "--tokens="),
    Row(command: "generate lstm --tokens 2", option: "--temperature="),
    Row(command: "generate lstm --tokens 2", option: "--top-k="),
    Row(command: "generate lstm --tokens 2", option: "--top-p="),
    Row(command: "generate lstm --tokens 2", option: "--seed="),
    Row(command: "generate gan -o images.png", option: "--images="),
    Row(command: "generate gan -o images.png", option: "--seed="),
  ]

  private static func write(to folder: String) throws {
    try FuzzedJobs.write(to: folder)
    for name in ["images", "lstm", "gan"] {
      let train = ["train", "\(name).yaml", "--ranks", "1", "--stop-at", "1", "--out", name]
      #expect(try Program.run(train, in: folder).status == 0)
    }
    for path in ["pictures/a", "pictures/b", "cora"] {
      try FileManager.default.createDirectory(
        atPath: "\(folder)/\(path)", withIntermediateDirectories: true)
    }
    try FileManager.default.copyItem(
      atPath: Program.repository + "/Sources/DLData/Resources/digits-validation.safetensors",
      toPath: folder + "/images.safetensors")
    let made = ["generate", "gan", "-o", "pictures/a/1.png", "--images", "1"]
    #expect(try Program.run(made, in: folder).status == 0)
    try FileManager.default.copyItem(
      atPath: folder + "/pictures/a/1.png", toPath: folder + "/pictures/b/2.png")
    try FileManager.default.copyItem(
      atPath: golden("numpy/deflated.npz", of: "DLFormatsTests"), toPath: folder + "/arrays.npz")
    let table = "a,b\n" + (0..<20).map { "\($0),\($0 % 2)\n" }.joined()
    try table.write(toFile: folder + "/table.csv", atomically: true, encoding: .utf8)
    for (name, text) in [
      ("nodes", "0\t0\ttrain\t0\n1\t1\ttest\t1\n"), ("edges", "0\t1\n"),
    ] {
      try text.write(
        toFile: "\(folder)/cora/\(name).tsv", atomically: true, encoding: .utf8)
    }
  }

  @Test func everyNumberEndsWellOrIsRefused() throws {
    try TemporaryFolder.with { folder in
      try NumberSweepTests.write(to: folder)
      for row in NumberSweepTests.rows {
        let values = NumberSweepTests.values.filter { !row.skipping.contains($0) }
        for value in [row.good] + values {
          let words = (row.command + " " + row.option).split(separator: " ").map {
            $0.hasSuffix("=") ? $0 + value : String($0)
          }
          try? FileManager.default.removeItem(atPath: folder + "/out")
          // A guard against hanging, far above what any of them takes.
          let outcome = try Program.startCommand(
            ["timeout", "-k", "5", "120", Program.path] + words, in: folder
          ).wait()
          let what = "\(words): \(outcome.status)\n\(outcome.errors)"
          #expect([0, 64, 65, 70, 74].contains(outcome.status), "\(what)")
          let lines = outcome.errors.split(separator: "\n")
          #expect(lines.allSatisfy { $0.hasPrefix("dltrain: ") }, "\(what)")
          let faults = outcome.faults.filter { !$0.hasPrefix("dltrain: warning: ") }
          #expect(faults.count == (outcome.status == 0 ? 0 : 1), "\(what)")
          if value == row.good { #expect(outcome.status == 0, "\(what)") }
        }
      }
    }
  }
}
