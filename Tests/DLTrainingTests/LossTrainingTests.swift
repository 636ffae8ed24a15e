import DLCluster
import DLCore
import DLFormats
import DLLayers
import DLReports
import DLTensor
import DLTestSupport
import DLTraining
import Foundation
import Testing

/// Every word of `loss` in training, validation and prediction, against formulas in plain doubles
/// whose slopes are finite differences.
@Suite struct LossTrainingTests {
  /// A loss of a linear layer's outputs z, and what it comes to for one row.
  struct Case: Sendable, CustomTestStringConvertible {
    let loss: String
    /// The layer behind the linear one.
    var activation: String?
    let labels: Labels
    /// What a prediction is made of z.
    var predicts: @Sendable ([Double]) -> [Double] = { $0 }
    /// The sum and the denominator of a row, from z and its labels.
    let row: @Sendable ([Double], [Double]) -> (sum: Double, denominator: Double)
    var testDescription: String { loss }
  }

  /// What the labels of a row are.
  enum Labels { case classes, values, bits, probabilities, logarithms, sequences }

  private static func softmax(_ z: [Double]) -> [Double] {
    let total = z.map(exp).reduce(0, +)
    return z.map { exp($0) / total }
  }

  private static func sigmoid(_ z: [Double]) -> [Double] { z.map { 1 / (1 + exp(-$0)) } }

  /// A loss that is a sum over elements of z and labels, divided by their number.
  private static func elements(
    _ loss: String, activation: String? = nil, _ labels: Labels,
    predicts: @escaping @Sendable ([Double]) -> [Double] = { $0 },
    _ element: @escaping @Sendable (_ z: Double, _ t: Double, _ index: Int) -> Double
  ) -> Case {
    Case(loss: loss, activation: activation, labels: labels, predicts: predicts) { z, t in
      (z.indices.reduce(0) { $0 + element(z[$1], t[$1], $1) }, Double(z.count))
    }
  }

  /// Binary cross-entropy of the sigmoid of z, with factors for targets of 1 and for all.
  private static func binary(_ z: Double, _ t: Double, _ positive: Double = 1) -> Double {
    let p = 1 / (1 + exp(-z))
    return -(positive * t * log(p) + (1 - t) * log(1 - p))
  }

  static let cases: [Case] = [
    Case(loss: "cross_entropy", labels: .probabilities, predicts: softmax) { z, t in
      (-zipped(softmax(z), t).reduce(0) { $0 + $1.1 * log($1.0) }, 1)
    },
    Case(
      loss:
        "{cross_entropy: {weight: [0.5, 2, 1.5], ignore_index: 255, label_smoothing: 0.2}}",
      labels: .classes, predicts: softmax
    ) { z, t in
      guard t[0] != 255 else { return (0, 0) }
      let weights = [0.5, 2, 1.5]
      let sum = z.indices.reduce(0) { sum, index in
        let mass = (index == Int(t[0]) ? 0.8 : 0) + 0.2 / 3
        return sum - weights[index] * mass * log(softmax(z)[index])
      }
      return (sum, weights[Int(t[0])])
    },
    Case(
      loss: "{nll: {weight: [3, 1, 0.5], ignore_index: 255}}", activation: "log_softmax",
      labels: .classes, predicts: softmax
    ) { z, t in
      guard t[0] != 255 else { return (0, 0) }
      let weight = [3, 1, 0.5][Int(t[0])]
      return (-weight * log(softmax(z)[Int(t[0])]), weight)
    },
    elements("mse", .values) { z, t, _ in (z - t) * (z - t) },
    elements("mae", .values) { z, t, _ in abs(z - t) },
    elements("{huber: {delta: 0.5}}", .values) { z, t, _ in
      abs(z - t) <= 0.5 ? (z - t) * (z - t) / 2 : 0.5 * (abs(z - t) - 0.25)
    },
    elements("{smooth_l1: {beta: 0.5}}", .values) { z, t, _ in
      abs(z - t) < 0.5 ? (z - t) * (z - t) : abs(z - t) - 0.25
    },
    elements("bce", activation: "sigmoid", .bits, predicts: sigmoid) { z, t, _ in binary(z, t) },
    elements("{bce_with_logits: {pos_weight: [2, 0.5, 1]}}", .bits, predicts: sigmoid) {
      z, t, index in
      binary(z, t, [2, 0.5, 1][index])
    },
    elements(
      "{multi_label_soft_margin: {weight: [2, 0.5, 1]}}", .bits, predicts: sigmoid
    ) { z, t, index in [2, 0.5, 1][index] * binary(z, t) },
    elements("{focal: {gamma: 1.5, alpha: 0.4}}", .bits, predicts: sigmoid) { z, t, _ in
      let right = t == 1 ? sigmoid([z])[0] : 1 - sigmoid([z])[0]
      return -(t == 1 ? 0.4 : 0.6) * pow(1 - right, 1.5) * log(right)
    },
    Case(loss: "{dice: {smooth: 0.5}}", labels: .bits, predicts: sigmoid) { z, t in
      let p = sigmoid(z)
      let overlap = zipped(p, t).reduce(0.5) { $0 + 2 * $1.0 * $1.1 }
      return (1 - overlap / (p + t).reduce(0.5) { $0 + $1 * $1 }, 1)
    },
    Case(loss: "kl_div", activation: "log_softmax", labels: .probabilities, predicts: softmax) {
      z, t in (zipped(softmax(z), t).reduce(0) { $0 + $1.1 * log($1.1 / $1.0) }, 1)
    },
    Case(
      loss: "{kl_div: {log_target: true}}", activation: "log_softmax", labels: .logarithms,
      predicts: softmax
    ) { z, t in (zipped(softmax(z), t).reduce(0) { $0 + exp($1.1) * ($1.1 - log($1.0)) }, 1) },
    // Three steps of three classes: the paths of which the repeated and the blank ones are left out.
    Case(
      loss: "ctc", activation: "log_softmax", labels: .sequences,
      predicts: { z in (0..<3).flatMap { softmax(Array(z[3 * $0..<3 * $0 + 3])) } }
    ) { z, t in
      let p = (0..<3).map { softmax(Array(z[3 * $0..<3 * $0 + 3])) }
      var total = 0.0
      for path in 0..<27 {
        let steps = [path / 9, path / 3 % 3, path % 3]
        let kept = steps.indices.filter {
          steps[$0] != 0 && ($0 == 0 || steps[$0] != steps[$0 - 1])
        }
        guard kept.map({ steps[$0] }) == t.filter({ $0 != 0 }).map({ Int($0) }) else { continue }
        total += p[0][steps[0]] * p[1][steps[1]] * p[2][steps[2]]
      }
      return (-log(total), 1)
    },
    Case(
      loss: "{hinge: {margin: 0.7, weight: [0.5, 2, 1.5], ignore_index: 255}}", labels: .classes
    ) { z, t in
      guard t[0] != 255 else { return (0, 0) }
      let weight = [0.5, 2, 1.5][Int(t[0])]
      let parts = z.indices.map { max(0.7 - (Int(t[0]) == $0 ? 1 : -1) * z[$0], 0) }
      return (weight * parts.reduce(0, +), weight)
    },
    Case(
      loss: "{brier: {weight: [3, 1, 0.5], ignore_index: 255}}", labels: .classes, predicts: softmax
    ) { z, t in
      guard t[0] != 255 else { return (0, 0) }
      let weight = [3, 1, 0.5][Int(t[0])]
      let errors = z.indices.map { softmax(z)[$0] - (Int(t[0]) == $0 ? 1 : 0) }
      return (weight * errors.reduce(0) { $0 + $1 * $1 }, weight)
    },
  ]

  /// Outputs that are no logarithms of probabilities are told of once.
  @Test(arguments: [
    ("{nll: {ignore_index: 255}}", Labels.classes), ("kl_div", .probabilities),
  ])
  func lossesBelowZeroAreTold(loss: String, labels: Labels) throws {
    let bench = try LossBench(labels)
    let longer = ["optimizer.lr=0.2", "steps=40"]
    let wrong = try train(
      bench.configuration(loss, activation: nil, longer), bench.options("wrong"))[0]
    let told = wrong.notices.filter { $0.contains("below 0") }
    #expect(told.count == 1 && told[0].contains("end the network with log_softmax"), "\(told)")
    let right = try train(
      bench.configuration(loss, activation: "log_softmax", longer), bench.options("right"))[0]
    #expect(!right.notices.contains { $0.contains("below 0") })
  }

  @Test func everyWordIsTrained() {
    let words = Set(LossRegistry.builtIn.map { $0.word })
    #expect(
      words
        == Set(Self.cases.map { $0.loss.trimmingPrefix("{").prefix { $0 != ":" } }.map(String.init))
    )
  }

  @Test(arguments: cases)
  func trainsAndPredicts(_ job: Case) throws {
    let bench = try LossBench(job.labels)
    let configuration = try bench.configuration(job.loss, activation: job.activation)
    let start = try train(configuration, bench.options("start"), steps: false)[0]
    var weights = Array(start.state.prefix(12))

    func loss(_ weights: [Double]) -> Double {
      let rows = bench.rows.map { job.row($0.outputs(weights), $0.y) }
      return rows.reduce(0) { $0 + $1.sum } / rows.reduce(0) { $0 + $1.denominator }
    }
    var expected: [Double] = []
    for _ in 0..<3 {
      expected.append(loss(weights))
      let before = weights
      for index in weights.indices {
        var (up, down) = (before, before)
        up[index] += 1e-5
        down[index] -= 1e-5
        weights[index] -= 0.1 * (loss(up) - loss(down)) / 2e-5
      }
    }

    let result = try train(configuration, bench.options("run"), ranks: 2)[0]
    #expect(deviation(result.losses, expected) < 1e-8)
    #expect(expected[2] < expected[0])
    #expect(deviation(result.validations.map(\.loss), [loss(weights)]) < 1e-8)
    #expect((result.validations[0].accuracy != nil) == (job.labels == .classes))

    let run = try LoadedRun("\(bench.path)/run")
    let report = try run.evaluate(data: nil, communicator: SingleRank())
    #expect(deviation([report.loss], [loss(weights)]) < 1e-8)
    let predictions = bench.rows.map { job.predicts($0.outputs(weights)) }
    if job.labels == .classes {
      // Of six rows the third is ignored.
      let right = zipped(bench.rows, predictions).filter { row, p in
        p[Int(row.y[0]) % 253] == p.max() && row.y[0] != 255
      }
      #expect(report.labels == 5 && report.correct == right.count)
    }
    var text = ""
    try run.predict("\(bench.path)/data.safetensors") { text += $0 }
    let lines = text.split(separator: "\n")
    let hasClasses = lines[0] == "row,class,probability"
    #expect(
      hasClasses == ["cross_entropy", "nll", "brier"].contains(where: job.loss.contains))
    for (line, p) in compared(lines.dropFirst(), predictions) {
      if job.labels == .sequences {
        // The likeliest class of each step, repetitions and blanks left out.
        let steps = (0..<3).map { step in (0..<3).max { p[3 * step + $0] < p[3 * step + $1] } ?? 0 }
        let path = steps.indices.filter {
          steps[$0] != 0 && ($0 == 0 || steps[$0] != steps[$0 - 1])
        }
        #expect(line.hasSuffix("," + path.map { "\(steps[$0])" }.joined(separator: " ")))
        continue
      }
      let cells = line.split(separator: ",").dropFirst().compactMap { Double($0) }
      let best = p.indices.max { p[$0] < p[$1] } ?? 0
      #expect(deviation(cells, hasClasses ? [Double(best), p[best]] : p) < 1e-7)
    }
    #expect(lines.count == 7)
  }

  /// What does not fit is one line, before the first step.
  @Test(arguments: [
    (
      Labels.classes, "mse", "loss: mse needs F32 values in y, the data has int32; use another loss"
    ),
    (.values, "nll", "loss: nll needs I32 classes in y, the data has float32; use another loss"),
    (.values, "ctc", "loss: ctc needs I32 classes in y, the data has float32; use another loss"),
    (.classes, "ctc", "labels are int32 [1], expected int32 [rows, labels]"),
    (.classes, "cross_entropy", "row 2 has label 255"),
    (
      .classes, "{cross_entropy: {weight: [1, 2], ignore_index: 255}}",
      "cross_entropy: 2 weights for 3 classes"
    ),
    (
      .bits, "{bce_with_logits: {pos_weight: [1]}}",
      "bce_with_logits: 1 weight for 3 classes"
    ),
    (.sequences, "mae", "loss: mae needs F32 values in y"),
    (
      .values, "hinge", "loss: hinge needs I32 classes in y, the data has float32; use another loss"
    ),
    (
      .classes, "{brier: {weight: [1, 2], ignore_index: 255}}",
      "brier: 2 weights for outputs of shape [1, 3], give one per class"
    ),
  ])
  func misfitsAreNamed(_ labels: Labels, _ loss: String, _ fault: String) throws {
    let bench = try LossBench(labels)
    var overrides = ["data.validation=null"]
    if loss == "cross_entropy" { overrides.append("data.classes=3") }
    let configuration = try bench.configuration(loss, activation: nil, overrides)
    #expect {
      _ = try ModelReport(configuration)
    } throws: { error in
      let text = "\(error)"
      return text.contains(fault) && !text.contains("\n")
    }
  }

  @Test func oneValueARowIsNoProbabilityOfClasses() throws {
    let folder = TemporaryFolder()
    let path = folder.path + "/values.safetensors"
    let tensors = [("x", [4, 2]), ("y", [4])].map { name, shape in
      SafetensorsTensor(name: name, dtype: .float32, shape: shape) { sink in
        let values = (0..<shape.reduce(1, *)).map { Float($0) / 2 }
        try values.withUnsafeBytes { try sink($0) }
      }
    }
    try SafetensorsWriter.write(tensors, to: path)
    let configuration = try Configuration.load(
      yaml: """
        data: {train: \(path)}
        model: {name: mlp, hidden: 4}
        loss: cross_entropy
        """, folder: folder.path, overrides: [])
    let error = refusal { _ = try ModelReport(configuration) }
    #expect(error.contains("one float32 value a row; use another loss, as mse"), "\(error)")
  }

  @Test func modelsWithALossOfTheirOwnTakeNoOther() throws {
    let configuration = try Configuration.load(
      yaml: """
        data: {synthetic: {shape: [28, 28, 1], classes: 2, rows: 8}}
        model: {name: dcgan, latent: 4, width: 2}
        loss: {cross_entropy: {label_smoothing: 0.1}}
        """)
    #expect {
      _ = try ModelReport(configuration)
    } throws: {
      "\($0)"
        == "loss: a generative adversarial network has a loss of its own; leave out cross_entropy"
    }
  }
}
