import DLCluster
import DLFormats
import DLTensor
import DLTestSupport
import DLTraining
import Testing

/// What wraps the step: groups, lookahead, SAM, L-BFGS, averages, plateau; each resumes to the same
/// bits and gives the same on several ranks.
@Suite struct WrappedStepTests {
  static let settings: [[String]] = [
    ["optimizer={name: lars, lr: 2, weight_decay: 1.0e-3, no_decay: [bias, norm]}"],
    ["optimizer={name: lamb, lr: 0.01, no_decay: [bias, norm], clip_value: 0.05}"],
    [
      "optimizer={name: adamw, lr: 0.003, no_decay: [norm, bias], groups: [{match: \"12.*\", lr: 0.01}, {match: \"0.*|3.layers.0.*\", frozen: true}]}"
    ],
    [
      "optimizer={name: muon, lr: 0.02, groups: [{match: \"bias|norm\", name: adamw, lr: 0.003}, {match: \"12.*\", name: lars, lr: 1}]}"
    ],
    ["optimizer={name: sgd, lr: 0.05, momentum: 0.9, lookahead: {k: 3, alpha: 0.6}}"],
    ["optimizer={name: sgd, lr: 0.05, momentum: 0.9, clip_norm: 1, sam: {rho: 0.1}}"],
    [
      "optimizer={name: sgd, lr: 0.05, momentum: 0.9, clip_norm: 5, constraints: [{match: \"0.weight|12.weight\", max_norm: 1.5}, {match: \"9.weight\", sum: 0.2}]}"
    ],
    [
      "optimizer={name: sgd, lr: 0.05, momentum: 0.5, constraints: [{match: \"0.weight|12.weight\", max_norm: 1.5, by: multipliers, weight: 0.5, every: 2}, {match: \"9.weight\", sum: 0.2, by: multipliers, weight: 0.01}, {match: \"12.bias\", nonnegative: true, by: multipliers}, {match: norm, max_norm: 2, by: penalty}]}"
    ],
    ["average={name: ema, decay: 0.8}"],
    ["average={name: swa, start_steps: 6, every_steps: 2, lr: 0.02, anneal_epochs: 1}"],
    ["schedule={name: reduce_on_plateau, patience: 0, factor: 0.5, warmup_steps: 2}", "steps=20"],
    [
      "optimizer={name: lbfgs, max_iter: 3, history_size: 4, line_search_fn: strong_wolfe}",
      "schedule={name: constant}", "steps=12",
    ],
    [
      "optimizer={name: newton, damping: 0.2, max_iter: 4}", "batch_size=60",
      "schedule={name: constant}",
    ],
  ]

  /// Interrupted after any step, a run comes to the bits of one that was not; the checkpoints hold
  /// the same tensors.
  @Test(arguments: settings)
  func resumesToTheSameBits(_ overrides: [String]) throws {
    let bench = try Workbench()
    let job = try bench.configuration(overrides + ["steps=12"])
    let whole = try train(job, bench.options("whole"))[0]
    for stop in [5, 9] {
      try train(job, bench.options("cut-\(stop)") { $0.stopAtStep = stop })
      let rest = try train(job, bench.options("cut-\(stop)") { $0.resume = .automatic })[0]
      #expect(rest.startStep == stop)
      #expect(rest.parameters == whole.parameters && rest.buffers == whole.buffers)
      #expect(rest.losses == Array(whole.losses[stop...]))
      #expect(
        rest.validations.map(\.loss) == whole.validations.filter { $0.step > stop }.map(\.loss))
      let mine = try tensors(bench.checkpoint("cut-\(stop)", step: 12))
      let wanted = try tensors(bench.checkpoint("whole", step: 12))
      #expect(mine == wanted)
    }
    #expect(whole.losses.allSatisfy { $0.isFinite })
    #expect((whole.losses.last ?? 9) < (whole.losses.first ?? 0))
  }

  @Test(arguments: settings)
  func ranksMakeNoDifference(_ overrides: [String]) throws {
    let bench = try Workbench()
    let job = try bench.configuration(overrides + ["steps=8"])
    let alone = try train(job, bench.options("alone"))[0]
    let several = try train(job, bench.options("several"), ranks: 3)
    // The line search turns where rounding makes it; its steps lie further apart.
    let tolerance = overrides[0].contains("lbfgs") ? 1e-6 : 1e-9
    for result in several {
      #expect(result.parameters == several[0].parameters)
      #expect(deviation(result.state, alone.state) < tolerance)
    }
    #expect(deviation(several[0].losses, alone.losses) < tolerance)
    #expect(several[0].validations.count == alone.validations.count)
    for (mine, theirs) in compared(several[0].validations, alone.validations) {
      #expect(deviation([mine.loss], [theirs.loss]) < tolerance)
    }
  }

  @Test func frozenParametersStayAndTheirNetworkLearns() throws {
    let bench = try Workbench()
    let job = try bench.configuration([
      "optimizer={lr: 0.05, groups: [{match: \"0.*|1.*\", frozen: true}]}", "steps=4",
    ])
    try train(job, bench.options("run") { $0.stopAtStep = 1 })
    try train(job, bench.options("run") { $0.resume = .automatic })
    let before = try tensors(bench.checkpoint("run", step: 1))
    let after = try tensors(bench.checkpoint("run", step: 4))
    for (name, bytes) in after where name.hasSuffix("weight") || name.hasSuffix("bias") {
      #expect((bytes == before[name]) == (name.hasPrefix("0.") || name.hasPrefix("1.")), "\(name)")
    }
    #expect(after["1.running_mean"] != before["1.running_mean"])
  }

  /// The mean of the weights of checkpoints is what the run says it is; validation and export take
  /// it.
  @Test func theExponentialMeanIsThatOfTheWeights() throws {
    let bench = try Workbench()
    let job = try bench.configuration([
      "average={name: ema, decay: 0.75}", "steps=6", "checkpoint={every_steps: 1, keep: 10}",
    ])
    let result = try train(job, bench.options("run"))[0]
    var mean: [Double] = []
    for step in 1...6 {
      let file = try SafetensorsFile(path: bench.checkpoint("run", step: step))
      let weights = try doubles(file, "12.weight")
      mean = step == 1 ? weights : zipped(mean, weights).map { 0.75 * $0 + 0.25 * $1 }
      #expect(try deviation(doubles(file, "average.12.weight"), mean) < 1e-14)
    }
    let run = try LoadedRun("\(bench.path)/run", choice: .latest)
    try run.export(to: "\(bench.path)/weights.safetensors")
    let exported = try SafetensorsFile(path: "\(bench.path)/weights.safetensors")
    #expect(try deviation(doubles(exported, "12.weight"), mean) < 1e-14)
    #expect(!exported.tensors.contains { $0.name.hasPrefix("average.") })
    let report = try run.evaluate(data: nil, communicator: SingleRank())
    #expect(deviation([report.loss], [result.validations.last?.loss ?? 0]) < 1e-12)
    let last = try SafetensorsFile(path: bench.checkpoint("run", step: 6))
    let weights = try doubles(last, "12.weight")
    #expect(weights != mean)
  }

  /// A file that holds one class behind the other: within a class the inputs vary by 1/12, over both
  /// by 25.
  @Test func statisticsOfTheEqualMeanAreThoseOfAllClasses() throws {
    let bench = try Workbench()
    let labels = (0..<256).map { Int32($0 / 128) }
    let values = labels.enumerated().map { row, label in
      Float(10 * label) + Float(row * 37 % 128) / 128
    }
    try bench.writeTable(values, labels: labels)
    let job = try Configuration.load(
      yaml: """
        data: {train: table.safetensors}
        model: {layers: [batch_norm, {linear: {out: 2}}]}
        loss: cross_entropy
        average: {name: swa, start_steps: 1, every_steps: 1}
        batch_size: 16
        steps: 4
        precision: float64
        """, folder: bench.path)
    try train(job, bench.options("run"))
    let file = try SafetensorsFile(path: bench.checkpoint("run", step: 4))
    let mean = try doubles(file, "average.0.running_mean")[0]
    let variance = try doubles(file, "average.0.running_var")[0]
    #expect(abs(mean - 5.5) < 0.05)
    // A batch's own mean takes a part of 1/16 away, which the factor 16/15 gives back.
    #expect(abs(variance - 25) < 2.5, "\(variance)")
  }

  private func doubles(_ file: SafetensorsFile, _ name: String) throws -> [Double] {
    try file.bytes(name).withUnsafeBytes { Array($0.bindMemory(to: Double.self)) }
  }

  @Test(arguments: [
    ("optimizer={groups: [{match: \"nothing.*\", lr: 1}]}", "matches no parameter"),
    ("optimizer={name: muon}", "muon takes matrices, 1.weight has the shape"),
    (
      "optimizer={name: muon, amsgrad: true, groups: [{match: \"bias|norm\", name: adam, lr: 1}]}",
      "keep 4 numbers for each parameter"
    ),
    ("optimizer={no_decay: [biases]}", "\"biases\" matches no parameter"),
    ("optimizer={groups: [{match: \"*\", frozen: true}]}", "nothing is trained"),
  ])
  func patternsThatFitNothingAreNamed(_ override: String, _ expected: String) throws {
    let bench = try Workbench()
    let job = try bench.configuration([override])
    let error = #expect(throws: RankFailure.self) { try train(job, bench.options("run")) }
    #expect(error?.description.contains(expected) == true, "\(error?.description ?? "")")
  }

  @Test func aPlateauNeedsValidation() throws {
    let bench = try Workbench()
    let job = try bench.configuration([
      "schedule={name: reduce_on_plateau}", "data.validation=null",
    ])
    let error = #expect(throws: RankFailure.self) { try train(job, bench.options("run")) }
    #expect(error?.description.contains("give data.validation") == true)
  }

  @Test func theRateFallsWhereTheValidationStopsImproving() throws {
    let bench = try Workbench()
    let job = try bench.configuration([
      "schedule={name: reduce_on_plateau, patience: 1, factor: 0.5, threshold: 10, threshold_mode: abs}",
      "validate={every_steps: 2}", "steps=12",
    ])
    try train(job, bench.options("run"))
    let rates = try metrics("\(bench.path)/run").filter { $0["kind"]?.string == "step" }
      .compactMap { $0["lr"]?.double }
    // The first validation sets the best; each second one after it is one too many.
    #expect(
      rates == [
        0.05, 0.05, 0.05, 0.05, 0.05, 0.05, 0.025, 0.025, 0.025, 0.025, 0.0125, 0.0125,
      ])
  }
}
