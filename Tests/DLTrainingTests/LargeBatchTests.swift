import DLCluster
import DLReports
import DLTestSupport
import DLTraining
import Foundation
import Testing

/// Learning rates by the size of the batch, and batches in which no label counts.
@Suite struct LargeBatchTests {
  /// Four times the rows of the base batch: the run whose rates are written four times as large.
  @Test(arguments: [
    (
      "optimizer={name: sgd, lr: 0.0125, momentum: 0.9}",
      "optimizer={name: sgd, lr: 0.05, momentum: 0.9}"
    ),
    (
      "optimizer={name: adamw, lr: 0.001, groups: [{match: \"12.*\", lr: 0.004}]}",
      "optimizer={name: adamw, lr: 0.004, groups: [{match: \"12.*\", lr: 0.016}]}"
    ),
    ("optimizer={name: lars, lr: 0.5}", "optimizer={name: lars, lr: 2}"),
    (
      "optimizer={name: lbfgs, lr: 0.1, max_iter: 3}",
      "optimizer={name: lbfgs, lr: 0.4, max_iter: 3}"
    ),
  ])
  func scaledRatesAreRatesWrittenOut(small: String, large: String) throws {
    let bench = try Workbench()
    let job = ["batch_size=16", "steps=8"]
    let scaled = try train(
      bench.configuration(job + [small, "scale_lr={base_batch: 4}"]), bench.options("scaled"))[0]
    let written = try train(bench.configuration(job + [large]), bench.options("written"))[0]
    #expect(scaled.parameters == written.parameters && scaled.losses == written.losses)
    #expect(try metrics("\(bench.path)/scaled") == metrics("\(bench.path)/written"))
    #expect(
      scaled.notices.first?.hasPrefix(
        "scale_lr multiplies the learning rates by 4, batch_size 16 over base_batch 4: ") == true)
    #expect(written.notices.isEmpty)
  }

  /// Every part of a model with several optimizers, and the rate of an equal mean.
  @Test func everyRateIsScaled() throws {
    let bench = try TaskBench()
    let yaml = TaskTests.yaml("generative adversarial") + "\nsteps: 4\nprecision: float64\n"
    let scaled = try train(
      Configuration.load(
        yaml: yaml, folder: bench.path,
        overrides: [
          "batch_size=8", "scale_lr={base_batch: 32}", "optimizers.generator.lr=0.004",
          "optimizers.discriminator.lr=0.04",
        ]), bench.options("scaled"))[0]
    let written = try train(
      Configuration.load(yaml: yaml, folder: bench.path, overrides: ["batch_size=8"]),
      bench.options("written"))[0]
    #expect(deviation(scaled.state, written.state) < 1e-12)
    let average = "average={name: swa, lr: 0.02, start_steps: 4}"
    let images = try Workbench()
    let job = try images.configuration([average, "scale_lr={base_batch: 5}"])
    #expect(job.batchRateFactor == 3)
    let plain = try images.configuration([average])
    let rates = [job, plain].map { $0.learningRate(totalSteps: 20, stepsPerEpoch: 5) }
    for step in 0..<20 {
      #expect(rates[0].multiplier(step: step) == 3 * rates[1].multiplier(step: step))
    }
  }

  @Test func theCurveShowsScaledRates() throws {
    let bench = try Workbench()
    let job = try bench.configuration(["scale_lr={base_batch: 5}", "schedule={name: constant}"])
    let curve = try ModelReport(job).learningRate
    let lines = curve.text(isPlain: true).split(separator: "\n")
    #expect(
      lines[0] == "learning rate: constant, lr 0.05 times 3 by scale_lr, 20 steps in 4 epochs")
    #expect(lines[1].hasPrefix(" 0.15 +"))
    #expect(try ModelReport(job).summary.contains("sgd, lr 0.05 times 3 by scale_lr"))
  }

  /// Batches of labels that are left out: the message says so, and skipping passes over them.
  @Test(arguments: [1, 2], ["null", "{period: 2}"])
  func batchesWithoutLabelsAreNamed(ranks: Int, local: String) throws {
    let bench = try Workbench()
    try write(bench, labels: (0..<12).map { 4..<8 ~= $0 ? -100 : Int32($0 % 3) })
    let job = try tabular(bench, ["local_sgd=\(local)"])
    let error = #expect(throws: RankFailure.self) {
      try train(job, bench.options("stop"), ranks: ranks)
    }
    #expect(error?.exitCode == .data)
    #expect(
      error?.message.hasPrefix("the batch of step 2 has no label that counts: ") == true,
      "\(error?.message ?? "")")
    let skipped = try train(
      try tabular(bench, ["local_sgd=\(local)", "non_finite=skip"]), bench.options("skip"),
      ranks: ranks)[0]
    #expect(skipped.losses.count == 3 && skipped.losses[1].isNaN)
    #expect(skipped.losses[0].isFinite && skipped.losses[2].isFinite)
    #expect(skipped.notices.first?.contains("step 2 has no label that counts") == true)
  }

  /// A rank without labels takes a gradient of 0, one whose gradient is no number names it.
  @Test func ranksOfALocalStepFailTogether() throws {
    let bench = try Workbench()
    try write(bench, labels: (0..<12).map { $0 % 4 < 2 ? Int32($0 % 3) : -100 })
    let job = try tabular(bench, ["local_sgd={period: 2}"])
    let trained = try train(job, bench.options("run"), ranks: 2)
    #expect(trained[0].losses.allSatisfy { $0.isFinite })
    #expect(trained[0].parameters == trained[1].parameters)
    // Row 7 is the second rank's in the second step.
    try write(bench, labels: (0..<12).map { Int32($0 % 3) }, spoiled: 7)
    let error = #expect(throws: RankFailure.self) {
      try train(job, bench.options("spoiled"), ranks: 2)
    }
    #expect(error?.rank == 1)
    #expect(error?.message.contains("step 2: the gradient of 0.weight is not finite") == true)
    let skipped = try train(
      try tabular(bench, ["local_sgd={period: 2}", "non_finite=skip"]), bench.options("skip"),
      ranks: 2)
    #expect(skipped[0].losses.count == 3 && skipped[0].losses[2].isFinite)
    #expect(skipped[0].parameters == skipped[1].parameters)
  }

  private func write(_ bench: Workbench, labels: [Int32], spoiled: Int? = nil) throws {
    // Finite in the file, and beyond float32 once it is normalized.
    let values = (0..<36).map {
      $0 / 3 == spoiled ? Float.greatestFiniteMagnitude : Float($0 * 7 % 11) / 11
    }
    try bench.writeTable(values, labels: labels)
  }

  private func tabular(_ bench: Workbench, _ overrides: [String]) throws -> Configuration {
    try Configuration.load(
      yaml: """
        data: {train: table.safetensors, order: sequential, normalize: {mean: [0], std: [0.5]}}
        model: {layers: [{linear: {out: 3}}]}
        loss: {cross_entropy: {ignore_index: -100}}
        batch_size: 4
        steps: 3
        """, folder: bench.path, overrides: overrides)
  }
}
