import DLCluster
import DLFormats
import DLTraining
import Foundation
import Testing

/// A run that was interrupted and resumed is the run that was not.
@Suite struct ResumeTests {
  private static let job = [
    "steps=12", "accumulate=2", "optimizer={name: adamw, lr: 0.01, clip_norm: 2}",
  ]

  @Test(arguments: [("float32", 1), ("float64", 2)])
  func everyStep(precision: String, ranks: Int) throws {
    let bench = try Workbench()
    let configuration = try bench.configuration(ResumeTests.job + ["precision=\(precision)"])
    try train(configuration, bench.options("whole"), ranks: ranks)
    let want = try tensors(bench.checkpoint("whole", step: 12))
    let lines = try metrics(bench.path + "/whole")
    #expect(want.count > 40 && lines.count == 15)
    for stop in 1..<12 {
      let first = try train(
        configuration, bench.options("\(stop)") { $0.stopAtStep = stop }, ranks: ranks)
      #expect(!first[0].finished && first[0].losses.count == stop)
      let second = try train(
        configuration, bench.options("\(stop)") { $0.resume = .automatic }, ranks: ranks)
      #expect(second[0].startStep == stop && second[0].losses.count == 12 - stop)
      #expect(try tensors(bench.checkpoint("\(stop)", step: 12)) == want, "stopped at \(stop)")
      #expect(try metrics(bench.path + "/\(stop)") == lines, "stopped at \(stop)")
    }
  }

  @Test func stepByStep() throws {
    let bench = try Workbench()
    let configuration = try bench.configuration(ResumeTests.job)
    try train(configuration, bench.options("whole"))
    for step in 1...12 {
      try train(
        configuration,
        bench.options("pieces") {
          $0.stopAtStep = step
          $0.resume = .automatic
        })
    }
    #expect(
      try tensors(bench.checkpoint("pieces", step: 12))
        == tensors(bench.checkpoint("whole", step: 12)))
    #expect(try metrics(bench.path + "/pieces") == metrics(bench.path + "/whole"))
  }

  @Test(arguments: [(2, 3), (3, 1), (1, 4)])
  func otherNumberOfRanks(before: Int, after: Int) throws {
    let bench = try Workbench()
    let configuration = try bench.configuration(ResumeTests.job)
    let whole = try train(configuration, bench.options("whole"))[0]
    try train(configuration, bench.options("moved") { $0.stopAtStep = 7 }, ranks: before)
    let moved = try train(
      configuration, bench.options("moved") { $0.resume = .automatic }, ranks: after)[0]
    #expect(moved.startStep == 7)
    #expect(deviation(moved.losses, Array(whole.losses[7...])) < 1e-10)
    #expect(deviation(moved.state, whole.state) < 1e-10)
  }

  @Test func olderCheckpointByPath() throws {
    let bench = try Workbench()
    let configuration = try bench.configuration(
      ResumeTests.job + ["checkpoint.every_steps=4", "checkpoint.keep=9"])
    try train(configuration, bench.options("run"))
    let want = try tensors(bench.checkpoint("run", step: 12))
    let lines = try metrics(bench.path + "/run")
    var options = TrainingOptions()
    options.resume = .path(bench.checkpoint("run", step: 4))
    options.stopAtStep = 6
    try train(configuration, options)
    // The course that was left is gone from the metrics and from the checkpoints.
    #expect(try metrics(bench.path + "/run") == lines.filter { ($0["step"]?.int ?? 99) <= 6 })
    #expect(!File.exists(bench.checkpoint("run", step: 12)))
    // What a killed run leaves behind: lines after the checkpoint, the last one cut short.
    let log = try File(bench.path + "/run/metrics.jsonl", .append)
    try log.write("{\"kind\":\"step\",\"step\":7,\"epoch\":0,\"loss\":9}\n{\"kind\":\"st")
    try train(configuration, bench.options("run") { $0.resume = .automatic })
    #expect(try metrics(bench.path + "/run") == lines)
    #expect(try tensors(bench.checkpoint("run", step: 12)) == want)
  }

  @Test func finishedRun() throws {
    let bench = try Workbench()
    let configuration = try bench.configuration(ResumeTests.job)
    try train(configuration, bench.options("run"))
    let files = ["summary.json", "metrics.jsonl", "checkpoints/step-00000012.safetensors"]
    let before = try files.map { try File.contents(of: "\(bench.path)/run/\($0)") }
    let again = try train(configuration, bench.options("run") { $0.resume = .automatic })[0]
    #expect(
      again.losses.isEmpty && again.finished
        && again.checkpoint == bench.checkpoint("run", step: 12))
    #expect(try files.map { try File.contents(of: "\(bench.path)/run/\($0)") } == before)
    // With more steps to make it goes on.
    let longer = try bench.configuration(ResumeTests.job + ["steps=14"])
    let more = try train(longer, bench.options("run") { $0.resume = .automatic })[0]
    #expect(more.startStep == 12 && more.losses.count == 2)
  }

  @Test(arguments: ["flipped byte", "cut short", "garbage"])
  func damagedNewest(damage: String) throws {
    let bench = try Workbench()
    let configuration = try bench.configuration(
      ResumeTests.job + ["checkpoint.every_steps=4", "checkpoint.keep=2"])
    try train(configuration, bench.options("whole"))
    try train(configuration, bench.options("run") { $0.stopAtStep = 8 })
    let path = bench.checkpoint("run", step: 8)
    var bytes = try File.contents(of: path)
    switch damage {
    case "flipped byte": bytes[bytes.count - 100] ^= 4
    case "cut short": bytes.removeLast(bytes.count / 3)
    default: bytes = Array("no checkpoint at all".utf8)
    }
    try Data(bytes).write(to: URL(fileURLWithPath: path))
    let result = try train(
      configuration, bench.options("run") { $0.resume = .automatic }, ranks: 1)[0]
    #expect(result.startStep == 4)
    #expect(result.notices.count == 1 && result.notices[0].contains(path), "\(result.notices)")
    #expect(result.notices[0].contains("going back"))
    #expect(
      try tensors(bench.checkpoint("run", step: 12)) == tensors(bench.checkpoint("whole", step: 12))
    )
    #expect(try metrics(bench.path + "/run") == metrics(bench.path + "/whole"))
    #expect(throws: RankFailure.self) {
      try Data(bytes).write(to: URL(fileURLWithPath: path))
      try train(configuration, bench.options("other") { $0.resume = .path(path) })
    }
  }

  @Test func whatDoesNotBelongTogether() throws {
    let bench = try Workbench()
    let job = ResumeTests.job
    try train(try bench.configuration(job), bench.options("run") { $0.stopAtStep = 2 })
    for (change, message) in [
      ("seed=4", "seed"), ("batch_size=16", "batch_size"), ("precision=float32", "precision"),
      ("optimizer={name: sgd, lr: 0.01}", "optimizer"), ("steps=1", "ends at 1"),
      ("model.layers=[{flatten: {}}, {linear: {out: 5}}]", "does not fit the model"),
    ] {
      for ranks in [1, 2] {
        #expect {
          try train(
            bench.configuration(job + [change]), bench.options("run") { $0.resume = .automatic },
            ranks: ranks)
        } throws: {
          guard let failure = $0 as? RankFailure else { return false }
          return failure.exitCode == .usage && failure.message.contains(message)
            && !failure.message.contains("\n")
        }
      }
    }
    #expect(throws: RankFailure.self) {
      try train(try bench.configuration(job), bench.options("run"))
    }
  }
}
