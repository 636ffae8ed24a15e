import DLCluster
import DLFormats
import DLTensor
import DLTestSupport
import DLTraining
import Testing

/// Weights that are known without training (scripts/golden/make_fitted.py): closed forms, scikit-learn,
/// SciPy.
@Suite struct GoldenFittedTests {
  @Test(arguments: [DType.float64, .float32], [1, 3])
  func newtonSolvesLeastSquaresInAStepOrTwo(dtype: DType, ranks: Int) throws {
    let golden = try Fitted("linear")
    let state = try golden.train(
      "optimizer: {name: newton}\nsteps: 2", loss: "mse", precision: dtype, ranks: ranks)
    let tolerance = dtype == .float64 ? 1e-9 : 1e-5
    #expect(deviation(try #require(state["0.weight"]), try golden.answer("weight")) < tolerance)
    #expect(deviation(try #require(state["0.bias"]), try golden.answer("bias")) < tolerance)
  }

  /// In three micro-batches a step, the products add up too.
  @Test(arguments: [1, 3])
  func newtonComesToLogisticRegression(ranks: Int) throws {
    let golden = try Fitted("logistic")
    let state = try golden.train(
      "optimizer: {name: newton}\nsteps: 15\naccumulate: 3", loss: "bce_with_logits", ranks: ranks)
    #expect(deviation(try #require(state["0.weight"]), try golden.answer("weight")) < 1e-6)
    #expect(deviation(try #require(state["0.bias"]), try golden.answer("bias")) < 1e-6)
  }

  /// Of biases only differences count: the Hessian is singular, and no step leaves its range.
  @Test func newtonTakesWeightDecayAsAPenalty() throws {
    let golden = try Fitted("softmax")
    let decay = try golden.answer("decay")[0]
    let state = try golden.train(
      "optimizer: {name: newton, weight_decay: \(decay), no_decay: [bias]}\nsteps: 15",
      loss: "cross_entropy", outputs: 3)
    #expect(deviation(try #require(state["0.weight"]), try golden.answer("weight")) < 1e-6)
    let bias = try #require(state["0.bias"])
    let mean = bias.reduce(0, +) / 3
    #expect(deviation(bias.map { $0 - mean }, try golden.answer("bias")) < 1e-6)
  }

  /// A tenth of each step, which damping shortens further, goes the same way more slowly.
  @Test func dampedStepsAreShorter() throws {
    let golden = try Fitted("linear")
    let answer = try golden.answer("weight")
    let short = try golden.train(
      "optimizer: {name: newton, lr: 0.1, damping: 1}\nsteps: 200", loss: "mse")
    #expect(deviation(try #require(short["0.weight"]), answer) < 1e-3)
    let first = try golden.train("optimizer: {name: newton, damping: 1}\nsteps: 1", loss: "mse")
    #expect(deviation(try #require(first["0.weight"]), answer) > 1e-3)
  }

  /// What keeps a condition exactly, with the multiplier that belongs to it.
  @Test(
    arguments: [
      ("max_norm: 1", "norm"), ("sum: 3", "sum"), ("nonnegative: true", "nonnegative"),
    ], [1, 3])
  func constraintsComeToTheirAnswer(_ problem: (condition: String, name: String), ranks: Int) throws
  {
    let golden = try Fitted("bounded")
    let answer = try golden.answer(problem.name)
    func fit(_ by: String) throws -> [String: [Double]] {
      try golden.train(
        "optimizer: {name: sgd, lr: 0.1, constraints: [{match: 0.weight, \(problem.condition), \(by)}]}"
          + "\nsteps: 600", loss: "mse", bias: false, ranks: ranks)
    }
    let projected = try fit("by: projection")
    #expect(deviation(try #require(projected["0.weight"]), answer) < 1e-6)
    let state = try fit("by: multipliers, weight: 2, every: 4")
    #expect(deviation(try #require(state["0.weight"]), answer) < 1e-6)
    let multiplier = try #require(state["optimizer.multiplier.0.weight"])
    let wanted = try golden.answer("\(problem.name)_multiplier")
    let all = wanted.count == 1 ? answer.map { _ in wanted[0] } : wanted
    #expect(deviation(multiplier, all) < 1e-5)
    #expect(deviation(answer, try golden.answer("free")) > 0.1)
  }

  /// A penalty gives way: it comes to an answer of its own.
  @Test(arguments: [("max_norm: 1", "norm"), ("sum: 3", "sum")])
  func penaltiesComeToTheirAnswer(_ condition: String, _ name: String) throws {
    let golden = try Fitted("bounded")
    let state = try golden.train(
      "optimizer: {name: sgd, lr: 0.05, constraints: [{match: 0.weight, \(condition), by: penalty, weight: 2}]}"
        + "\nsteps: 600", loss: "mse", bias: false)
    let weight = try #require(state["0.weight"])
    #expect(deviation(weight, try golden.answer("\(name)_penalty")) < 1e-6)
    #expect(deviation(weight, try golden.answer(name)) > 1e-3)
  }
}

/// A problem of the file.
private struct Fitted {
  let name: String
  private let file: SafetensorsFile

  init(_ name: String) throws {
    self.name = name
    file = try Golden.file("fitted")
  }

  func answer(_ key: String) throws -> [Double] { try file.doubles("\(name)/\(key)") }

  /// Trains a linear layer on all rows in each step; the last checkpoint's tensors.
  func train(
    _ text: String, loss: String, outputs: Int = 1, bias: Bool = true,
    precision: DType = .float64, ranks: Int = 1
  ) throws -> [String: [Double]] {
    let folder = TemporaryFolder()
    let tensors = try ["x", "y"].map { key in
      let info = try file.info("\(name)/\(key)")
      let bytes = try file.bytes("\(name)/\(key)")
      return SafetensorsTensor(name: key, dtype: info.dtype, shape: info.shape) { sink in
        try bytes.withUnsafeBytes { try sink($0) }
      }
    }
    try SafetensorsWriter.write(tensors, to: folder.path + "/rows.safetensors")
    let configuration = try Configuration.load(
      yaml: """
        data: {train: rows.safetensors}
        model: {layers: [{linear: {out: \(outputs), bias: \(bias)}}]}
        loss: \(loss)
        batch_size: 40
        precision: \(precision)
        \(text)
        """, folder: folder.path)
    let out = folder.path + "/run"
    return try ThreadGroup.run(ranks: ranks) { communicator in
      var options = TrainingOptions()
      options.out = out
      let report = try Trainer(
        configuration, options: options, communicator: communicator
      ).train()
      guard communicator.rank == 0 else { return [:] }
      let last = try SafetensorsFile(path: try #require(report.checkpoint))
      return try last.tensors.reduce(into: [:]) { $0[$1.name] = try last.doubles($1.name) }
    }[0]
  }
}
