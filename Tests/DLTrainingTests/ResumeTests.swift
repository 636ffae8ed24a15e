import DLCluster
import DLCore
import DLFormats
import DLTestSupport
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

  /// Bytes of the header, of small tensors and of large ones, which several ranks read parts of.
  @Test(arguments: [1, 3, 4])
  func anyDamagedByteIsFound(ranks: Int) throws {
    let bench = try Workbench()
    let configuration = try bench.configuration(
      ResumeTests.job + ["checkpoint.every_steps=4", "checkpoint.keep=2"])
    try train(configuration, bench.options("run") { $0.stopAtStep = 8 })
    let path = bench.checkpoint("run", step: 8)
    let bytes = try File.contents(of: path)
    // Another number there is another version's format, and that is for it to judge.
    let format = try #require(Data(bytes).range(of: Data("dltrain-checkpoint-1".utf8)))
    for position in stride(from: 3, to: bytes.count, by: bytes.count / 29)
    where position != format.upperBound - 1 {
      var damaged = bytes
      damaged[position] ^= 16
      try Data(damaged).write(to: URL(fileURLWithPath: path))
      let result = try train(
        configuration, bench.options("run") { $0.resume = .automatic }, ranks: ranks, steps: false)
      let notices = result[0].notices
      #expect(
        notices.count == 1
          && notices[0].contains("going back to \(bench.checkpoint("run", step: 4))"),
        "byte \(position): \(notices)")
      #expect(try File.contents(of: path + ".damaged") == damaged)
      #expect(!File.exists(path))
      try FileManager.default.removeItem(atPath: path + ".damaged")
    }
    try Data(bytes).write(to: URL(fileURLWithPath: path))
    let whole = try train(
      configuration,
      bench.options("run") {
        $0.resume = .automatic
        $0.stopAtStep = 9
      }, ranks: ranks)[0]
    #expect(whole.notices.isEmpty && whole.startStep == 8)
  }

  @Test func aLineOfTheMetricsThatCannotBeReadTakesNoneWithIt() throws {
    let bench = try Workbench()
    let configuration = try bench.configuration(ResumeTests.job)
    try train(configuration, bench.options("run") { $0.stopAtStep = 6 })
    let path = bench.path + "/run/metrics.jsonl"
    var text = String(decoding: try File.contents(of: path), as: UTF8.self)
    text = text.replacing("{\"kind\":\"step\",\"step\":3,", with: "{\"kind\":\"st#p\",step\":3,")
    let lines = text.split(separator: "\n")
    try text.write(toFile: path, atomically: true, encoding: .utf8)
    try train(configuration, bench.options("run") { $0.resume = .automatic })
    let after = String(decoding: try File.contents(of: path), as: UTF8.self).split(separator: "\n")
    #expect(Array(after.prefix(lines.count)) == lines && after.count == 15)
  }

  /// What is laid out like the parameters, at another number of ranks: PyTorch's names of it, slow
  /// weights, and a mean.
  @Test(arguments: [(4, 3), (3, 4), (2, 1), (1, 4)])
  func moreStateAtAnotherNumberOfRanks(before: Int, after: Int) throws {
    let bench = try Workbench()
    let configuration = try bench.configuration([
      "steps=12", "optimizer={name: adamw, lr: 0.01, amsgrad: true, lookahead: {k: 3, alpha: 0.5}}",
      "average={name: ema, decay: 0.7}",
    ])
    let whole = try train(configuration, bench.options("whole"), ranks: before)[0]
    try train(configuration, bench.options("moved") { $0.stopAtStep = 7 }, ranks: before)
    let moved = try train(
      configuration, bench.options("moved") { $0.resume = .automatic }, ranks: after)[0]
    #expect(moved.startStep == 7)
    #expect(deviation(moved.losses, Array(whole.losses[7...])) < 1e-10)
    #expect(deviation(moved.state, whole.state) < 1e-10)
    let (a, b) = (
      try tensors(bench.checkpoint("whole", step: 12)),
      try tensors(bench.checkpoint("moved", step: 12))
    )
    #expect(Set(a.keys) == Set(b.keys) && a.keys.contains { $0.hasPrefix("optimizer.slow.") })
    for (name, bytes) in a where !name.hasSuffix("num_batches_tracked") {
      #expect(deviation(doubles(try #require(b[name])), doubles(bytes)) < 1e-10, "\(name)")
    }
  }

  private func doubles(_ bytes: [UInt8]) -> [Double] {
    values(bytes, as: Double.self)
  }

  /// The ranks of a host check the file together and take their own shares of the state from it: as
  /// many bytes as the file has for the first, and no more for the second.
  @Test(arguments: [1, 2, 4])
  func aHostReadsTheFileOnceToCheckItAndOnceToLoadIt(ranks: Int) throws {
    let bench = try Workbench()
    let configuration = try bench.configuration([
      "model.layers=[{flatten: {}}, {linear: {out: 6000}}, {relu: {}}, {linear: {out: 5}}]",
      "optimizer={name: adamw, lr: 0.001, amsgrad: true}", "steps=2",
    ])
    try train(configuration, bench.options("run") { $0.stopAtStep = 1 }, ranks: ranks)
    let path = bench.checkpoint("run", step: 1)
    let size = try File.contents(of: path).count
    let options = bench.options("run") { $0.resume = .automatic }
    let read = try ThreadGroup.run(ranks: ranks) { communicator in
      let before = bytesRead()
      let trainer = try Trainer(configuration, options: options, communicator: communicator)
      return withExtendedLifetime(trainer) { bytesRead() - before }
    }
    let total = read.reduce(0, +)
    // The header is every rank's, and so are the few rows of data.
    #expect(
      total > 2 * size - (1 << 16) && total < 2 * size + ranks * (1 << 18), "\(read) of \(size)")
  }
}

/// The bytes that this thread has read by system calls.
private func bytesRead() -> Int {
  let text = File.systemText("/proc/thread-self/io") ?? ""
  let line = text.split(separator: "\n").first { $0.hasPrefix("rchar:") } ?? ""
  return Int(line.filter(\.isNumber)) ?? 0
}
