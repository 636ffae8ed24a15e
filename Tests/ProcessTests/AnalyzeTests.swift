import DLCore
import DLTestSupport
import Foundation
import Testing

/// `dltrain analyze` and `dltrain attack` as a user starts them.
@Suite struct AnalyzeTests {
  private func train(_ folder: TemporaryFolder, name: String = "run") throws -> String {
    let run = folder.path + "/" + name
    let outcome = try Program.run([
      "train", "digits", "--ranks", "1", "--set", "steps=12", "--out", run,
    ])
    #expect(outcome.status == 0, "\(outcome.errors)")
    return run
  }

  private func text(_ path: String) throws -> String {
    String(decoding: try File.contents(of: path), as: UTF8.self)
  }

  @Test func processesWriteWhatOneRankWrites() throws {
    let folder = TemporaryFolder()
    let run = try train(folder)
    let options = [
      "--rows", "80", "--lanczos", "6", "--line", "3", "--plane", "2", "--chords", "1",
    ]
    let one = try Program.run(["analyze", run, "--ranks", "1", "-o", run + "/one"] + options)
    let two = try Program.run(["analyze", run, "-o", run + "/two"] + options, processes: 2)
    #expect(one.status == 0 && two.status == 0, "\(one.errors) \(two.errors)")
    for name in ["analysis.json", "line.csv", "line.svg", "plane.csv", "plane.svg"] {
      let (a, b) = (try text("\(run)/one/\(name)"), try text("\(run)/two/\(name)"))
      #expect(a == b && !a.isEmpty, "\(name)")
    }
    #expect(one.output.contains("largest eigenvalues") && one.output.contains("The weights are"))
    #expect(one.output.split(separator: "\n").allSatisfy { $0.count <= 80 || $0.contains(run) })

    let attack = ["attack", run, "--method", "pgd", "--rows", "60", "--epsilon", "0.1,0.3"]
    let alone = try Program.run(attack + ["--ranks", "1"])
    let both = try Program.run(attack + ["-o", run + "/both"], processes: 2)
    #expect(alone.status == 0 && both.status == 0, "\(alone.errors) \(both.errors)")
    for name in ["attack.json", "attack.csv", "attack.svg"] {
      let (a, b) = (try text("\(run)/attack-pgd/\(name)"), try text("\(run)/both/\(name)"))
      #expect(a == b && !a.isEmpty, "\(name)")
    }
    let picture = try File.contents(of: run + "/both/attack.png")
    #expect(picture.starts(with: [0x89, 0x50, 0x4E, 0x47]))
  }

  @Test func faultsAreOneLine() throws {
    let folder = TemporaryFolder()
    let run = try train(folder)
    for (arguments, status, line) in [
      (["analyze", run, "--rows", "0"], 64, "--rows 0: give at least 1"),
      (["analyze", run, "--radius", "nan"], 64, "--radius nan: give a finite number of 0 or more"),
      (["analyze", folder.path], 64, "holds no checkpoint"),
      (["analyze", run, "--data", folder.path + "/none"], 74, "cannot open"),
      (["attack", run, "--method", "cw", "--norm", "linf"], 64, "cw measures by l2 alone"),
      (["attack", run, "--method", "nothing"], 64, "no such attack"),
      (["attack", run, "--epsilon", "0.1,x"], 64, "is no list of numbers"),
      (["attack", run, "--target", "ten", "--rows", "5"], 64, "--target ten: no such class"),
      (["attack", run, "--method", "deepfool", "--target", "1"], 64, "goes to the nearest class"),
    ] as [([String], Int32, String)] {
      let outcome = try Program.run(arguments + ["--ranks", "1"])
      #expect(outcome.status == status, "\(arguments): \(outcome.status) \(outcome.errors)")
      #expect(outcome.faults.count == 1 && outcome.errors.contains(line), "\(outcome.errors)")
    }
  }
}
