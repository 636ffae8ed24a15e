import DLCluster
import DLCore
import DLFormats
import DLTensor
import DLTestSupport
import DLTraining
import Foundation
import Testing

/// Whole training runs against PyTorch's from the same weights
/// (scripts/golden/make_trajectories.py).
@Suite struct TrajectoryTests {
  static let jobs = ["lenet", "resnet", "branches", "mlp", "decayed"]

  @Test(arguments: jobs)
  func float64LossesAndStateArePyTorchs(job: String) throws {
    let golden = try Trajectory(job)
    let run = try golden.train()
    let worst = deviation(run.losses, golden.losses)
    #expect(run.losses.count == golden.losses.count && worst < 1e-10, "\(job): \(worst)")
    #expect(deviation(run.rates, golden.rates) < 1e-15)
    let state = try golden.stateDeviation(run)
    #expect(state < 1e-10, "\(job): \(state)")
  }

  @Test(arguments: jobs)
  func float32LossesAreAsGoodAsPyTorchs(job: String) throws {
    let golden = try Trajectory(job)
    let run = try golden.train(overrides: ["precision=float32"])
    let worst = deviation(run.losses, golden.losses) { _ in 1 }
    #expect(run.losses.count == golden.losses.count)
    #expect(worst < 4 * golden.float32Deviation, "\(job): \(worst) of \(golden.float32Deviation)")
  }

  /// Batch norms take their statistics over ranks that hold different numbers of rows.
  @Test(arguments: jobs, [[9, 7], [5, 1], [1, 0]])
  func twoRanksAreOne(job: String, shares: [Int]) throws {
    let golden = try Trajectory(job)
    let run = try golden.train(overrides: ["shares=\(shares)"], ranks: shares.count)
    let worst = deviation(run.losses, golden.losses)
    #expect(run.losses.count == golden.losses.count && worst < 1e-10, "\(job): \(worst)")
    let state = try golden.stateDeviation(run)
    #expect(state < 1e-10, "\(job): \(state)")
  }
}

/// One job of PyTorch's and how to train it here.
private struct Trajectory {
  /// What a run gave, with its final checkpoint's tensors.
  struct Run: Sendable {
    var losses: [Double] = []
    var rates: [Double] = []
    var state: [String: [Double]] = [:]
  }

  let job: String
  let losses: [Double]
  let rates: [Double]
  let float32Deviation: Double

  init(_ job: String) throws {
    self.job = job
    let file = try Golden.file("\(job)-losses")
    losses = try file.doubles("f64/losses")
    rates = try file.doubles("lr")
    let options = try JSON(parsing: try #require(file.metadata[job]))
    float32Deviation = try #require(options["float32_deviation"]?.double)
    #expect(losses.count == 30 && float32Deviation > 0)
  }

  func train(overrides: [String] = [], ranks: Int = 1) throws -> Run {
    let configuration = try Configuration.load(
      path: "\(Golden.folder)/\(job).yaml", overrides: overrides)
    let folder = TemporaryFolder()
    let out = folder.path + "/run"
    let initial = "\(Golden.folder)/\(job)-init.safetensors"
    let runs = try ThreadGroup.run(ranks: ranks) { communicator in
      var options = TrainingOptions()
      options.out = out
      options.initialWeights = initial
      let recorder = Recorder()
      let trainer = try Trainer(
        configuration, options: options, communicator: communicator, observers: [recorder])
      let report = try trainer.train()
      var run = recorder.run
      if communicator.rank == 0 {
        let file = try SafetensorsFile(path: try #require(report.checkpoint))
        for info in file.tensors { run.state[info.name] = try file.doubles(info.name) }
      }
      return run
    }
    return runs[0]
  }

  /// The largest difference between the final parameters and running statistics and PyTorch's.
  func stateDeviation(_ run: Run) throws -> Double {
    let file = try Golden.file("\(job)-final")
    let model = run.state.keys.filter { !$0.hasPrefix("optimizer.") }
    #expect(Set(model) == Set(file.tensors.map(\.name)))
    return try file.tensors.reduce(0) { worst, info in
      max(worst, deviation(try #require(run.state[info.name]), try file.doubles(info.name)))
    }
  }
}

private final class Recorder: TrainingObserver {
  var run = Trajectory.Run()

  func didStep(_ report: StepReport) {
    run.losses.append(report.loss)
    run.rates.append(report.learningRate)
  }
}
