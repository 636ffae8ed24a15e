import DLCluster
import DLData
import DLFormats
import DLLayers
import DLTensor
import DLTestSupport
import DLTraining
import Testing

/// Phases that train the same parameters, and several times a step.
@Suite struct PhaseTests {
  /// Fits a line twice a step, and then brings all weights closer to 0.
  private final class FitAndShrink: TrainingTask {
    let network = Sequential(
      Flatten(), Linear(inputFeatures: 112, outputFeatures: 6), Tanh(), Dropout(p: 0.2),
      Linear(inputFeatures: 6, outputFeatures: 5))
    private let loss = CrossEntropy()
    var model: Module { network }
    let phases = [
      TrainingPhase("fit", trains: "4", repeats: 2), TrainingPhase("shrink"),
      TrainingPhase("refit", trains: "4"),
    ]

    func denominator(_ batch: Batch, phase: Int) throws -> Double {
      try loss.denominator(batch.y)
    }

    func lossSum(_ batch: Batch, phase: Int) throws -> Tensor {
      let sum = try loss.sum(network(batch.x), batch.y)
      guard phase == 1 else { return sum }
      // A loss's sum is float64 in either precision; the rows of all ranks count once.
      let share = Double(batch.rows) * 0.01
      return try network.parameters().reduce(sum) { try $0 + $1.value.square().sum() * share }
    }

    func evaluate(_ batch: Batch, into totals: inout ValidationTotals) throws {
      try totals.add(network(batch.x), batch, loss)
    }
  }

  private func run(
    _ bench: Workbench, _ folder: String, ranks: Int = 1, precision: String = "float64",
    _ change: (inout TrainingOptions) -> Void = { _ in }
  ) throws -> RankResult {
    let configuration = try Configuration.load(
      yaml: """
        data: {train: train.safetensors, validation: validation.safetensors}
        model: {layers: [flatten]}
        optimizers:
          fit: {name: adam, lr: 0.01}
          shrink: {name: sgd, lr: 0.1, momentum: 0.9, clip_weights: 0.05}
          refit: {name: adam, lr: 0.02}
        batch_size: 16
        steps: 9
        precision: \(precision)
        integrity: {compare_every_steps: 1}
        """, folder: bench.path)
    return try train(
      configuration, bench.options(folder, change), ranks: ranks, task: { _ in FitAndShrink() })[0]
  }

  @Test func overlappingPhasesAgreeAndResume() throws {
    let bench = try Workbench()
    let alone = try run(bench, "alone")
    #expect(alone.losses.count == 9 && alone.losses[8] < alone.losses[0])
    let several = try run(bench, "three", ranks: 3)
    #expect(deviation(several.state, alone.state) < 1e-10)
    _ = try run(bench, "stopped") { $0.stopAtStep = 4 }
    let resumed = try run(bench, "stopped") { $0.resume = .automatic }
    #expect(resumed.startStep == 4 && resumed.parameters == alone.parameters)
    let names = Set(
      try SafetensorsFile(path: bench.checkpoint("alone", step: 9)).tensors.map(\.name))
    for name in [
      "optimizer.exp_avg.4.weight", "optimizer.momentum_buffer@shrink.1.weight",
      "optimizer.exp_avg@refit.4.weight",
    ] {
      #expect(names.contains(name), "\(name)")
    }
    #expect(try run(bench, "narrow", precision: "float32").losses.allSatisfy(\.isFinite))
  }

  /// Two updates of a phase in a step are as good as those of two steps on the same rows.
  @Test func repeatedUpdatesAreUpdates() throws {
    let bench = try Workbench()
    func losses(_ repeats: Int, steps: Int) throws -> RankResult {
      let configuration = try Configuration.load(
        yaml: """
          data: {train: train.safetensors, order: sequential}
          model: {layers: [flatten]}
          optimizer: {name: sgd, lr: 0.01, momentum: 0.5}
          batch_size: 70
          steps: \(steps)
          precision: float64
          """, folder: bench.path)
      return try train(configuration, TrainingOptions(), task: { _ in Repeated(repeats) })[0]
    }
    let (twice, once) = (try losses(2, steps: 3), try losses(1, steps: 6))
    #expect(twice.parameters == once.parameters)
    let pairs = stride(from: 0, to: 6, by: 2).map { (once.losses[$0] + once.losses[$0 + 1]) / 2 }
    #expect(deviation(twice.losses, pairs) < 1e-15)
  }

  private final class Repeated: TrainingTask {
    let network = Sequential(Flatten(), Linear(inputFeatures: 112, outputFeatures: 5))
    var model: Module { network }
    let phases: [TrainingPhase]

    init(_ repeats: Int) { phases = [TrainingPhase("model", repeats: repeats)] }

    func denominator(_ batch: Batch, phase: Int) throws -> Double {
      try CrossEntropy().denominator(batch.y)
    }

    func lossSum(_ batch: Batch, phase: Int) throws -> Tensor {
      try CrossEntropy().sum(network(batch.x), batch.y)
    }

    func evaluate(_ batch: Batch, into totals: inout ValidationTotals) throws {
      try totals.add(network(batch.x), batch, CrossEntropy())
    }
  }

  /// Without any update there is a checkpoint of the weights as they start, to export or go on from.
  @Test func noStepsLeaveACheckpoint() throws {
    let bench = try Workbench()
    let configuration = try Configuration.load(
      yaml: Workbench.yaml + "\n", folder: bench.path, overrides: ["steps=0"])
    try train(configuration, bench.options("none"))
    let file = try SafetensorsFile(path: bench.checkpoint("none", step: 0))
    #expect(file.tensors.contains { $0.name == "0.weight" })
    #expect(
      try LoadedRun(bench.path + "/none").evaluate(data: nil, communicator: SingleRank()).rows == 23
    )
  }
}
