import DLCluster
import DLConfiguration
import DLFormats
import DLTestSupport
import DLTraining
import Foundation
import Synchronization
import Testing

/// Steps of each rank by itself, and averagings.
@Suite struct LocalSGDTests {
  /// Models trained side by side in plain arrays come to the same weights and losses.
  @Test(arguments: ["null", "0.05"])
  func agreesWithModelsSideBySide(clipNorm: String) throws {
    let bench = try Workbench()
    let job = try bench.configuration([
      "model.layers=[{flatten: {}}, {linear: {out: 5}}]", "data.order=sequential",
      "data.validation=null", "schedule={name: constant}", "steps=14",
      "optimizer={name: sgd, lr: 0.2, momentum: 0.9, weight_decay: 1.0e-2, clip_norm: \(clipNorm)}",
      "local_sgd={period: 3, start_steps: 4}",
    ])
    let start = try train(job, bench.options("start"), steps: false)[0]
    let trained = try train(job, bench.options("run"), ranks: 3)
    var models = try SideBySide(
      bench.path, ranks: 3, start: start.state, clipNorm: Double(clipNorm))
    var losses: [Double] = []
    for step in 0..<14 {
      losses.append(models.step(step, together: step < 4))
      let made = step + 1
      if made > 4, (made - 4) % 3 == 0 || made == 14 { models.average() }
    }
    #expect(deviation(trained[0].losses, losses) < 1e-12)
    for rank in trained {
      #expect(deviation(Array(rank.state[..<565]), models.weights[0]) < 1e-12)
      #expect(rank.parameters == trained[0].parameters)
    }
  }

  @Test(arguments: [
    [], ["accumulate=2"], ["average={name: ema, decay: 0.8}"],
    ["optimizer={name: adamw, lr: 0.01, clip_norm: 2, lookahead: {k: 3}}", "precision=float32"],
  ])
  func oneRankAloneIsPlainSGD(overrides: [String]) throws {
    let bench = try Workbench()
    let plain = try train(bench.configuration(overrides), bench.options("plain"))[0]
    let local = try train(
      bench.configuration(overrides + ["local_sgd={period: 3, start_steps: 2}"]),
      bench.options("local"))[0]
    #expect(local.parameters == plain.parameters && local.buffers == plain.buffers)
    #expect(local.losses == plain.losses)
    let (mine, theirs) = try (
      tensors(bench.checkpoint("local", step: 20)), tensors(bench.checkpoint("plain", step: 20))
    )
    #expect(mine == theirs)
  }

  /// The mean of steps is the step of the mean where the rule is linear and shares are even.
  @Test(arguments: ["0", "0.9"])
  func averagedAfterEachStepItIsSynchronous(momentum: String) throws {
    let bench = try Workbench()
    let job = [
      "optimizer={name: sgd, lr: 0.05, momentum: \(momentum), weight_decay: 1.0e-3}",
      "data.last_batch=drop",
    ]
    let synchronous = try train(bench.configuration(job), bench.options("plain"), ranks: 3)
    let local = try train(
      bench.configuration(job + ["local_sgd={period: 1}"]), bench.options("local"), ranks: 3)
    #expect(deviation(local[0].state, synchronous[0].state) < 1e-10)
    #expect(deviation(local[0].losses, synchronous[0].losses) < 1e-10)
    let seldom = try train(
      bench.configuration(job + ["local_sgd={period: 4}"]), bench.options("seldom"), ranks: 3)
    #expect(deviation(seldom[0].losses, synchronous[0].losses) > 1e-6)
  }

  static let settings: [[String]] = [
    [],
    ["optimizer={name: adamw, lr: 0.01, clip_norm: 1}", "sync_batch_norm=false"],
    [
      "optimizer={name: sgd, lr: 0.05, momentum: 0.9, lookahead: {k: 3, alpha: 0.6}}",
      "average={name: ema, decay: 0.8}", "shares=[2, 0, 1]",
    ],
    ["average={name: swa, start_steps: 1, every_steps: 3}", "precision=float32"],
    ["optimizer={name: lamb, lr: 0.01, no_decay: [bias, norm]}", "accumulate=2"],
  ]

  /// A wish to stop waits for the next averaging; what follows has the bits of an undisturbed run.
  @Test(arguments: settings, [1, 2, 3])
  func resumesToTheSameBits(_ overrides: [String], ranks: Int) throws {
    let bench = try Workbench()
    let overrides = overrides.map { ranks == 3 ? $0 : $0.replacingShares(ranks) }
    let job = try bench.configuration(
      overrides + ["steps=12", "local_sgd={period: 5, start_steps: 2}"])
    let whole = try train(job, bench.options("whole"), ranks: ranks)
    let want = try tensors(bench.checkpoint("whole", step: 12))
    for rank in whole {
      #expect(rank.parameters == whole[0].parameters && rank.buffers == whole[0].buffers)
    }
    // Validations are at 4, 8 and 12, the ends of periods at 7 and 12.
    for (stop, stopped) in [(1, 1), (2, 2), (3, 4), (5, 7), (9, 12)] {
      let folder = "cut-\(stop)"
      let first = try train(job, bench.options(folder) { $0.stopAtStep = stop }, ranks: ranks)[0]
      #expect(first.losses.count == stopped && first.finished == (stopped == 12))
      guard stopped < 12 else { continue }
      let rest = try train(
        job, bench.options(folder) { $0.resume = .automatic }, ranks: ranks)
      #expect(rest[0].startStep == stopped)
      #expect(rest[0].losses == Array(whole[0].losses[stopped...]))
      #expect(
        rest[0].validations.map(\.loss)
          == whole[0].validations.filter { $0.step > stopped }.map(\.loss))
      for rank in rest { #expect(rank.parameters == whole[0].parameters) }
      #expect(try tensors(bench.checkpoint(folder, step: 12)) == want, "stopped at \(stop)")
    }
  }

  /// As a signal asks for it: once, between two averagings.
  @Test func aSignalWaitsForTheNextAveraging() throws {
    let bench = try Workbench()
    let job = try bench.configuration(["local_sgd={period: 6}", "validate={every_steps: 20}"])
    let asked = Atomic<Int>(0)
    let options = bench.options("run") {
      $0.shouldStop = { asked.add(1, ordering: .relaxed).newValue == 5 }
    }
    let result = try train(job, options, ranks: 2)[0]
    #expect(!result.finished && result.losses.count == 6)
    #expect(result.checkpoint == bench.checkpoint("run", step: 6))
  }

  /// Networks with an optimizer each, state that is carried, lengths that differ, a graph.
  @Test(arguments: TaskTests.jobs)
  func everyTaskStepsLocally(job: (name: String, yaml: String)) throws {
    let bench = try TaskBench()
    let configuration = try Configuration.load(
      yaml: job.yaml + "\nsteps: 11\nprecision: float64\nvalidate: {every_steps: 50}\n"
        + "local_sgd: {period: 4, start_steps: 2}", folder: bench.path)
    let whole = try train(configuration, bench.options("whole"), ranks: 2)
    #expect(
      whole[1].parameters == whole[0].parameters && whole[0].losses.allSatisfy { $0.isFinite })
    try train(configuration, bench.options("cut") { $0.stopAtStep = 4 }, ranks: 2)
    let rest = try train(configuration, bench.options("cut") { $0.resume = .automatic }, ranks: 2)
    #expect(rest[0].startStep == 6 && rest[0].losses == Array(whole[0].losses[6...]))
    #expect(rest[0].parameters == whole[0].parameters && rest[0].buffers == whole[0].buffers)
  }

  @Test func frozenParametersStayAsTheyAre() throws {
    let bench = try Workbench()
    let job = try bench.configuration([
      "optimizer={lr: 0.05, groups: [{match: \"0.*|12.*\", frozen: true}]}", "steps=7",
      "local_sgd={period: 2}", "validate={every_steps: 7}",
    ])
    try train(job, bench.options("run") { $0.stopAtStep = 1 }, ranks: 3)
    try train(job, bench.options("run") { $0.resume = .automatic }, ranks: 3)
    let before = try tensors(bench.checkpoint("run", step: 2))
    let after = try tensors(bench.checkpoint("run", step: 7))
    for (name, bytes) in after where name.hasSuffix("weight") || name.hasSuffix("bias") {
      let isFrozen = name.hasPrefix("0.") || name.hasPrefix("12.")
      #expect((bytes == before[name]) == isFrozen, "\(name)")
    }
  }

  @Test(arguments: [
    ("local_sgd={start_steps: 1, start_epochs: 1}", "give either start_steps or start_epochs"),
    ("local_sgd={period: 0}", "local_sgd.period: expected"),
    ("local_sgd={periods: 4}", "unknown key, did you mean period"),
    (
      "optimizer.sam={rho: 0.1}",
      "sam needs the gradient over all ranks in every step, which local_sgd takes away"
    ),
    ("optimizer={name: lbfgs}", "lbfgs needs the gradient over all ranks in every step"),
    ("optimizer={name: newton}", "newton needs the gradient over all ranks in every step"),
    (
      "optimizer={constraints: [{match: norm, max_norm: 1}]}",
      "constraints needs the gradient over all ranks in every step"
    ),
    ("overlap=on", "overlap: on needs the gradient over all ranks in every step"),
    ("optimizers.generator={name: lbfgs}", "lbfgs needs the gradient over all ranks in every step"),
  ])
  func faultsAreNamed(_ override: String, _ expected: String) throws {
    let bench = try Workbench()
    let error = #expect(throws: ConfigurationError.self) {
      try bench.configuration(["local_sgd={period: 4}", override])
    }
    #expect(error?.lines.count == 1)
    #expect(error?.lines.first?.contains(expected) == true, "\(error?.lines ?? [])")
  }

  @Test func sectionsRoundTrip() throws {
    let bench = try Workbench()
    let job = try bench.configuration(["local_sgd={start_epochs: 1.5}", "scale_lr={}"])
    #expect(job.localSGD?.period == 8 && job.localSGD?.startEpochs == 1.5)
    #expect(job.scaleLR?.baseBatch == 256)
    #expect(try Configuration.load(yaml: job.yaml()) == job)
  }
}

extension String {
  /// The shares of three ranks as those of fewer.
  fileprivate func replacingShares(_ ranks: Int) -> String {
    self == "shares=[2, 0, 1]" ? (ranks == 1 ? "shares=[1]" : "shares=[1, 0]") : self
  }
}

/// Softmax regression of several ranks on their rows of the workbench's images, in plain arrays.
private struct SideBySide {
  /// Each rank's weights, `[5, 112]`, and behind them its biases.
  var weights: [[Double]]
  private var momenta: [[Double]]
  private let rows: [[Double]]
  private let labels: [Int]
  private let clipNorm: Double?

  init(_ folder: String, ranks: Int, start: [Double], clipNorm: Double?) throws {
    weights = Array(repeating: Array(start[..<565]), count: ranks)
    momenta = Array(repeating: Array(repeating: 0, count: 565), count: ranks)
    self.clipNorm = clipNorm
    let file = try SafetensorsFile(path: folder + "/train.safetensors")
    let pixels = try file.bytes("x")
    labels = try file.bytes("y").withUnsafeBytes { $0.bindMemory(to: Int32.self).map(Int.init) }
    let (mean, deviation) = ([0.4, 0.5], [0.3, 0.2])
    rows = (0..<70).map { row in
      // Channels before places, as flatten gives them.
      (0..<112).map { index in
        let (channel, place) = (index / 56, index % 56)
        let pixel = Double(pixels[row * 112 + place * 2 + channel])
        return (pixel / 255 - mean[channel]) / deviation[channel]
      }
    }
  }

  /// Makes a step; the mean loss over the batch.
  mutating func step(_ step: Int, together: Bool) -> Double {
    let first = step % 5 * 15
    let batch = first..<min(first + 15, 70)
    let ranks = weights.count
    var loss = 0.0
    var gradients: [[Double]] = []
    for rank in 0..<ranks {
      let own =
        first + rank * batch.count / ranks..<first + (rank + 1) * batch.count / ranks
      var gradient = Array(repeating: 0.0, count: 565)
      for row in own { loss += add(row, weights[rank], to: &gradient) / Double(batch.count) }
      let denominator = Double(together ? batch.count : own.count)
      gradients.append(gradient.map { $0 / denominator })
    }
    if together {
      let sum = gradients.dropFirst().reduce(gradients[0]) { zipped($0, $1).map(+) }
      gradients = Array(repeating: sum, count: ranks)
    }
    for rank in 0..<ranks {
      let norm = gradients[rank].reduce(0) { $0 + $1 * $1 }.squareRoot()
      let factor = clipNorm.map { min(1, $0 / (norm + 1e-6)) } ?? 1
      for index in 0..<565 {
        let gradient = factor * gradients[rank][index] + 1e-2 * weights[rank][index]
        momenta[rank][index] = 0.9 * momenta[rank][index] + gradient
        weights[rank][index] -= 0.2 * momenta[rank][index]
      }
    }
    return loss
  }

  /// Brings weights and momenta of all to their means.
  mutating func average() {
    func mean(_ vectors: [[Double]]) -> [[Double]] {
      let sum = vectors.dropFirst().reduce(vectors[0]) { zipped($0, $1).map(+) }
      return Array(repeating: sum.map { $0 / Double(vectors.count) }, count: vectors.count)
    }
    weights = mean(weights)
    momenta = mean(momenta)
  }

  /// Adds the gradient of a row's loss; returns the loss.
  private func add(_ row: Int, _ weights: [Double], to gradient: inout [Double]) -> Double {
    let logits = (0..<5).map { output in
      rows[row].indices.reduce(weights[560 + output]) {
        $0 + weights[output * 112 + $1] * rows[row][$1]
      }
    }
    let exponentials = logits.map { exp($0 - (logits.max() ?? 0)) }
    let total = exponentials.reduce(0, +)
    for output in 0..<5 {
      let error = exponentials[output] / total - (output == labels[row] ? 1 : 0)
      for index in 0..<112 { gradient[output * 112 + index] += error * rows[row][index] }
      gradient[560 + output] += error
    }
    return -log(exponentials[labels[row]] / total)
  }
}
