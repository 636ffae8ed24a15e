import DLTrain

/// A network of two inputs, the upper and the lower half of an image, with a branch for each.
final class TwoViews: Module {
  let upper, lower, head: Linear
  let sign = StraightThrough()
  let pixels: Int

  /// Makes the network for halves of `pixels` numbers each.
  init(pixels: Int, width: Int, classes: Int) {
    self.pixels = pixels
    upper = Linear(inputFeatures: pixels, outputFeatures: width)
    lower = Linear(inputFeatures: pixels, outputFeatures: width)
    head = Linear(inputFeatures: 2 * width, outputFeatures: classes)
  }

  /// The scores `[rows, classes]` for halves `[rows, pixels]`.
  func callAsFunction(_ top: Tensor, _ bottom: Tensor) throws -> Tensor {
    let features = try Tensor.concat([upper(top).tanh(), lower(bottom).tanh()], axis: 1)
    return try head(sign(features) + features)
  }
}

/// Its name and options: `model: {name: two_views, width: 16}`.
struct TwoViewsOptions: ModelSpec {
  static var name: String { "two_views" }
  var width = 16
  static var fields: [ConfigurationField<Self>] {
    [.init("width", \.width, .atLeast(1), "features of each branch")]
  }

  func network(for input: Shape, classes: Int?) throws -> Module {
    guard let classes, input.count.isMultiple(of: 2) else {
      throw TensorError(op: Self.name, "input has shape \(input), expected two halves with classes")
    }
    return TwoViews(pixels: input.count / 2, width: width, classes: classes)
  }
}

/// A task: it hands each branch its half, and compares classes.
final class TwoViewTask: NetworkTask {
  let network: TwoViews
  private let loss = CrossEntropy()
  var model: Module { network }

  init(_ network: TwoViews) { self.network = network }

  static func make(_ network: Module, _ input: TaskInput) throws -> (any TrainingTask)? {
    (network as? TwoViews).map(TwoViewTask.init)
  }

  /// The scores of the classes, `[rows, classes]`, for images `[rows, height, width, channels]`.
  private func scores(_ batch: Batch) throws -> Tensor {
    let pixels = try batch.x.reshape([batch.rows, 2 * network.pixels])
    return try network(
      pixels.slice(1, to: network.pixels), pixels.slice(1, from: network.pixels))
  }

  func denominator(_ batch: Batch, phase: Int) throws -> Double { try loss.denominator(batch.y) }

  func lossSum(_ batch: Batch, phase: Int) throws -> Tensor {
    try loss.sum(scores(batch), batch.y)
  }

  func evaluate(_ batch: Batch, into totals: inout ValidationTotals) throws {
    try totals.add(scores(batch), batch, loss)
  }
}
