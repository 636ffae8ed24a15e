import DLLayers
import DLTensor

/// One network, one loss: classification, regression, language models.
final class SupervisedTask: TrainingTask {
  let network: any Layer
  let loss: any Loss
  private let hasClasses: Bool

  var model: Module { network }

  init(_ network: any Layer, loss: any Loss) {
    self.network = network
    self.loss = loss
    hasClasses = loss is CrossEntropy
  }

  func denominator(_ batch: Batch, phase: Int) throws -> Double { try loss.denominator(batch.y) }

  func lossSum(_ batch: Batch, phase: Int) throws -> Tensor {
    try loss.sum(network(batch.x), batch.y)
  }

  func evaluate(_ batch: Batch, into totals: inout ValidationTotals) throws {
    let prediction = try network(batch.x)
    totals.lossSum += try loss.sum(prediction, batch.y).scalar
    totals.denominator += try loss.denominator(batch.y)
    if hasClasses {
      totals.correct += try prediction.correctCount(labels: batch.y)
      totals.rows += batch.y.count
    }
  }

  func predict(_ batch: Batch) throws -> Tensor { try network(batch.x) }
}
