import DLFormats
import DLTestSupport
import Foundation
import Testing

/// `data.sampler` through the real program.
@Suite(.serialized)
struct WeightedSamplerTests {
  /// Rows of which one in ten is of class 1: one number each, 0 but for the rows of class 0, which have
  /// `spoiled`.
  private func write(to folder: String, spoiled: Float = 0) throws {
    let classes = (0..<200).map { Int32($0 % 10 == 0 ? 1 : 0) }
    try SafetensorsWriter.write(
      [
        .of("x", .float32, [200, 1], classes.map { $0 == 0 ? spoiled : 0 }),
        .of("y", .int32, [200], classes),
      ], metadata: ["classes": "2"], to: folder + "/rows.safetensors")
    try """
    data: {train: rows.safetensors, sampler: {weights: balanced}}
    model: {layers: [{linear: {out: 2}}]}
    optimizer: {name: sgd, lr: 0.5}
    precision: float64
    batch_size: 50
    virtual_ranks: 6
    epochs: 20
    checkpoint: {every_steps: 30}

    """.write(toFile: folder + "/job.yaml", atomically: true, encoding: .utf8)
  }

  private func train(
    _ settings: [String], out: String, processes: Int? = nil, in folder: String
  ) throws -> Outcome {
    try Program.run(
      ["train", "job.yaml", "--out", out] + settings.flatMap { ["--set", $0] },
      processes: processes, in: folder)
  }

  /// The probability of class 1, which with inputs of 0 is the share of its rows among those drawn, in the
  /// limit.
  private func share(_ run: String, in folder: String) throws -> Double {
    let predicted = try Program.run(
      ["predict", run, "rows.safetensors", "-o", run + ".csv"], in: folder)
    #expect(predicted.status == 0, "\(predicted.errors)")
    let table = try String(contentsOfFile: "\(folder)/\(run).csv", encoding: .utf8)
    let cells = try #require(table.split(separator: "\n").dropFirst().first).split(separator: ",")
    let probability = try #require(Double(cells[2]))
    return cells[1] == "1" ? probability : 1 - probability
  }

  @Test func drawsFollowTheWeights() throws {
    try TemporaryFolder.with { folder in
      try write(to: folder)
      for (name, weights, wanted) in [
        ("balanced", "balanced", 0.5), ("plain", "[1, 1]", 0.1), ("nine", "[1, 3]", 0.25),
      ] {
        let outcome = try train(["data.sampler.weights=\(weights)"], out: name, in: folder)
        #expect(outcome.status == 0, "\(outcome.errors)")
        // 4,000 draws: the deviation of a share is below 0.008; the last steps count more.
        #expect(abs(try share(name, in: folder) - wanted) < 0.08, "\(name)")
      }
    }
  }

  /// A class of weight 0 is never seen: its rows alone have inputs by which the weight would move.
  @Test func whatHasNoWeightIsNotDrawn() throws {
    try TemporaryFolder.with { folder in
      try write(to: folder, spoiled: 0.5)
      let spared = try train(["data.sampler.weights=[0, 1]"], out: "spared", in: folder)
      #expect(spared.status == 0, "\(spared.errors)")
      let file = try SafetensorsFile(path: Job.checkpoint(folder + "/spared", step: 80))
      let weight = try file.bytes("0.weight")
      let start = try SafetensorsFile(path: Job.checkpoint(folder + "/spared", step: 30))
      // Inputs of 0 have no gradient: the weight stays where it began.
      #expect(try weight == start.bytes("0.weight"))
      let met = try train(["data.sampler.weights=[1, 1]"], out: "met", in: folder)
      #expect(met.status == 0, "\(met.errors)")
      let moved = try SafetensorsFile(path: Job.checkpoint(folder + "/met", step: 80))
      #expect(try moved.bytes("0.weight") != weight)
    }
  }

  /// The same draws at 1, 2 and 3 ranks, and after an interruption.
  @Test func drawsDependOnNothingElse() throws {
    try TemporaryFolder.with { folder in
      try write(to: folder, spoiled: 0.5)
      for processes in 1...3 {
        let outcome = try train(
          [], out: "run-\(processes)", processes: processes, in: folder)
        #expect(outcome.status == 0, "\(outcome.errors)")
      }
      let whole = try Job.tensors(folder + "/run-1", step: 80)
      for processes in 2...3 {
        let other = try Job.tensors("\(folder)/run-\(processes)", step: 80)
        #expect(other == whole, "\(processes)")
      }
      let stopped = try Program.run(
        ["train", "job.yaml", "--out", "cut", "--stop-at", "33"], processes: 2, in: folder)
      #expect(stopped.status == 0, "\(stopped.errors)")
      let resumed = try Program.run(
        ["train", "job.yaml", "--out", "cut", "--resume", "auto"], in: folder)
      #expect(resumed.status == 0, "\(resumed.errors)")
      #expect(try Job.tensors(folder + "/cut", step: 80) == whole)
    }
  }

  @Test(arguments: [
    ("[1, 2]", 0), ("[1, 2, 3]", 64), ("[1]", 64), ("[0, 0]", 64), ("[-1, 1]", 64), ("even", 64),
    ("[]", 64),
    ("[.nan, 1]", 64), ("[1.0e+308, 1.0e+308]", 0), ("[5.0e-324, 1]", 0),
  ])
  func weightsAreTakenOrRefused(_ weights: String, _ status: Int32) throws {
    try TemporaryFolder.with { folder in
      try write(to: folder)
      let outcome = try train(
        ["data.sampler.weights=\(weights)", "epochs=1"], out: "run", in: folder)
      #expect(outcome.status == status, "\(outcome.errors)")
      let faults = outcome.faults.filter { !$0.hasPrefix("dltrain: warning: ") }
      #expect(faults.count == (status == 0 ? 0 : 1), "\(outcome.errors)")
    }
  }
}
