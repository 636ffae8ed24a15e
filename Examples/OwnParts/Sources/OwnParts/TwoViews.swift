import DLTrain

/// A network of two inputs, the upper and the lower half of an image, with a branch for each.
final class TwoViews: Module {
  let upper = Linear(inputFeatures: 32, outputFeatures: 16)
  let lower = Linear(inputFeatures: 32, outputFeatures: 16)
  let sign = StraightThrough()
  let head = Linear(inputFeatures: 32, outputFeatures: 10)

  func callAsFunction(_ top: Tensor, _ bottom: Tensor) throws -> Tensor {
    let features = try Tensor.concat([upper(top).tanh(), lower(bottom).tanh()], axis: 1)
    return try head(sign(features) + features)
  }
}

/// A task: it hands each branch its half, and compares classes.
final class TwoViewTask: TrainingTask {
  let network = TwoViews()
  private let loss = CrossEntropy()
  var model: Module { network }

  /// The scores of the classes, `[rows, 10]`, for images `[rows, 8, 8, 1]`.
  private func scores(_ batch: Batch) throws -> Tensor {
    let pixels = try batch.x.reshape([batch.rows, 64])
    return try network(
      pixels.slice(1, from: 0, to: 32), pixels.slice(1, from: 32, to: 64))
  }

  func denominator(_ batch: Batch, phase: Int) throws -> Double { try loss.denominator(batch.y) }

  func lossSum(_ batch: Batch, phase: Int) throws -> Tensor {
    try loss.sum(scores(batch), batch.y)
  }

  func evaluate(_ batch: Batch, into totals: inout ValidationTotals) throws {
    try totals.add(scores(batch), batch, loss)
  }
}
