import DLData
import DLLayers
import DLModels
import DLTensor

/// One network, one loss: classification, regression, language models.
final class SupervisedTask: NetworkTask {
  let network: any Layer
  let loss: any Loss
  /// The views that outputs are the mean of, but for training.
  let views: TestTimeAugmentation

  var model: Module { network }

  /// Takes every layer.
  ///
  /// - Throws: `TensorError` for an n-gram model that would not see all n-grams.
  static func make(_ network: Module, _ input: TaskInput) throws -> (any TrainingTask)? {
    guard let network = network as? any Layer else { return nil }
    let configuration = input.configuration
    guard !(network is NGram) || configuration.data.order != .sequential else {
      throw TensorError(
        op: "data.order",
        "sequential: an n-gram model counts by windows that begin at every token; use shuffled")
    }
    return SupervisedTask(
      network, loss: configuration.loss.loss, views: configuration.validate.views)
  }

  init(_ network: any Layer, loss: any Loss, views: TestTimeAugmentation) {
    self.network = network
    self.loss = loss
    self.views = views
  }

  func domains(_ row: Batch) throws -> DataDomains {
    try loss.domains(network, outputs: network(row.x).shape, row)
  }

  func denominator(_ batch: Batch, phase: Int) throws -> Double {
    let (valid, loss) = try valid(batch)
    let own = try loss.denominator(valid.y)
    guard let mixed = batch.mixed else { return own }
    return try mixed.weight * own + (1 - mixed.weight) * loss.denominator(mixed.labels)
  }

  func lossSum(_ batch: Batch, phase: Int) throws -> Tensor {
    let (valid, loss) = try valid(batch)
    let outputs = try network(valid.x)
    let own = try loss.sum(outputs, valid.y)
    guard let mixed = batch.mixed else { return own }
    // For cross-entropy the loss of the mixed labels as probabilities.
    return try mixed.weight * own + (1 - mixed.weight) * loss.sum(outputs, mixed.labels)
  }

  func evaluate(_ batch: Batch, into totals: inout ValidationTotals) throws {
    let (batch, loss) = try valid(batch)
    try totals.add(views.outputs(of: network, batch.x), batch, loss)
  }

  func predictions(_ batch: Batch) throws -> Predictions {
    try loss.predictions(views.outputs(of: network, batch.x))
  }
}
