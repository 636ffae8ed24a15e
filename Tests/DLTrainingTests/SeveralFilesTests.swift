import DLCluster
import DLConfiguration
import DLCore
import DLData
import DLFormats
import DLInference
import DLTestSupport
import DLTraining
import Testing

/// A data set of several files, and rows drawn by the weights of their classes.
@Suite struct SeveralFilesTests {
  private static let layers = "[{linear: {out: 3}}]"
  private static let names = #"["a","b","c"]"#

  /// Rows of a set of 12 as a file, whose classes are numbered by names.
  @discardableResult
  private func write(
    _ bench: TableBench, _ name: String, _ rows: Range<Int>, names: [String] = ["a", "b", "c"],
    shift: Double = 0
  ) throws -> String {
    let labels = rows.map { Double(names.firstIndex(of: ["a", "b", "c"][$0 % 3]) ?? 0) }
    return try bench.write(
      name, x: .floats(rows.flatMap { [Double($0 * 5 % 7) + shift, Double($0 % 4)] }, [2]),
      y: .integers(labels),
      metadata: ["class_names": JSON.array(names.map { .string($0) }).description])
  }

  private func parts(_ bench: TableBench) throws {
    try write(bench, "train", 0..<12)
    try write(bench, "part-0", 0..<5)
    // The classes of the second file have other numbers, and are matched by name.
    try write(bench, "part-1", 5..<6, names: ["c", "a", "b"])
    try write(bench, "part-2", 6..<12)
  }

  private static let list = [
    "data.train=[part-0.safetensors, part-1.safetensors, part-2.safetensors]",
    "data.train=part-{0..2}.safetensors", "data.train=part-*.safetensors",
  ]

  private func job(_ bench: TableBench, _ override: String) throws -> Configuration {
    let absolute = override.replacing("part-", with: "\(bench.path)/part-")
    return try bench.configuration(Self.layers, ["steps=5", absolute])
  }

  @Test func theRowsOfSeveralFilesAreThoseOfOne() throws {
    let bench = TableBench()
    try parts(bench)
    let whole = try train(
      bench.configuration(Self.layers, ["steps=5"]), bench.options("whole"))[0]
    for (number, override) in Self.list.enumerated() {
      for ranks in [1, 3] {
        let several = try train(
          job(bench, override), bench.options("run\(number)-\(ranks)"), ranks: ranks)[0]
        if ranks == 1 { #expect(several.parameters == whole.parameters, "\(override)") }
        #expect(
          several.losses.count == whole.losses.count
            && zipped(several.losses, whole.losses).allSatisfy { abs($0 - $1) < 1e-6 })
      }
    }
    // What is written into the run reads back as the same files.
    let config = try Configuration.load(path: "\(bench.path)/run0-1/config.yaml")
    #expect(try DataFiles.list(config.data.train ?? "").count == 3)
    let report = try LoadedRun("\(bench.path)/run0-1", choice: .latest).evaluate(
      data: "\(bench.path)/part-*.safetensors", communicator: SingleRank())
    #expect(report.rows == 12)
  }

  @Test func resumeKnowsTheFiles() throws {
    let bench = TableBench()
    try parts(bench)
    try train(job(bench, Self.list[0]), bench.options("run") { $0.stopAtStep = 2 })
    func resume(_ override: String) throws -> [RankResult] {
      try train(job(bench, override), bench.options("run") { $0.resume = .automatic })
    }
    let others = "data.train=[part-2.safetensors, part-1.safetensors, part-0.safetensors]"
    let failure = #expect(throws: RankFailure.self) { try resume(others) }
    #expect(failure?.message.contains("has other values than those trained on") == true)
    #expect(try resume(Self.list[0])[0].startStep == 2)
  }

  @Test func filesThatDoNotBelongTogetherAreRefused() throws {
    let bench = TableBench()
    try parts(bench)
    func fault(_ name: String) throws -> String {
      let list = "data.train=[part-0.safetensors, part-\(name).safetensors]"
      return refusal { try train(self.job(bench, list), bench.options("bad")) }
    }
    try write(bench, "part-x", 6..<12, names: ["a", "b", "d", "c"])
    #expect(try fault("x").contains("part-x") == false, "a class without rows does not matter")
    try bench.write("part-y", x: .floats([1, 2, 3], [3]), y: .integers([0]))
    #expect(try fault("y").contains("class names"))
    try bench.write(
      "part-z", x: .floats([1, 2, 3], [3]), y: .integers([0]), metadata: ["class_names": Self.names]
    )
    #expect(try fault("z").contains("part-z.safetensors: has rows of float32 [3]"))
    #expect(try fault("none").contains("part-none.safetensors"))
    #expect(throws: ConfigurationError.self) {
      try bench.configuration(Self.layers, ["data.train=[]"])
    }
    #expect(throws: ConfigurationError.self) {
      try bench.configuration(Self.layers, ["data.train=[\"a,b\", c]"])
    }
  }

  /// Rows drawn by weight are the same at any number of ranks, and after an interruption.
  @Test func weightedDrawsDoNotDependOnRanks() throws {
    let bench = TableBench()
    let labels = (0..<40).map { Double($0 < 32 ? 0 : $0 < 37 ? 1 : 2) }
    try bench.write(
      "train", x: .floats((0..<80).map { Double($0 % 11) }, [2]), y: .integers(labels))
    func job(_ sampler: String) throws -> Configuration {
      try bench.configuration(Self.layers, ["steps=12", "batch_size=8"] + [sampler])
    }
    let balanced = "data.sampler={weights: balanced}"
    let one = try train(job(balanced), bench.options("one"))[0]
    let two = try train(job(balanced), bench.options("two"), ranks: 2)[0]
    #expect(zipped(one.losses, two.losses).allSatisfy { abs($0 - $1) < 1e-6 })
    let plain = try train(job("batch_size=8"), bench.options("plain"))[0]
    #expect(one.losses != plain.losses)
    // Weights that come to the same draw the same rows.
    let written = "data.sampler={weights: [0.03125, 0.2, 0.3333333333333333]}"
    #expect(try train(job(written), bench.options("written"))[0].losses == one.losses)
    try train(job(balanced), bench.options("cut") { $0.stopAtStep = 7 }, ranks: 2)
    let rest = try train(job(balanced), bench.options("cut") { $0.resume = .automatic })[0]
    #expect(rest.startStep == 7 && deviation(rest.state, two.state) < 1e-6)
  }

  @Test(arguments: [
    ("{weights: heavy}", "balanced, or a list of weights"), ("{weights: [0, 0]}", "above 0"),
    ("{weights: [-1, 2]}", "at least 0"),
  ])
  func faultsOfTheSampler(_ sampler: String, _ words: String) throws {
    let bench = TableBench()
    let message = refusal {
      _ = try bench.configuration(Self.layers, ["data.sampler=\(sampler)"])
    }
    #expect(message.contains(words), "\(message)")
  }

  @Test func drawsHaveNoOtherOrder() throws {
    let bench = TableBench()
    #expect(
      refusal {
        _ = try bench.configuration(
          Self.layers, ["data.sampler={weights: balanced}", "data.order=sequential"])
      }.contains("draws rows at random"))
  }
}
