import DLData
import DLLayers
import DLTensor

/// This rank's rows of one micro-batch.
public struct Batch {
  /// The inputs, `[rows, ...]`, in the job's precision.
  public let x: Tensor
  /// The labels, int32 `[rows, ...]`, or values in the job's precision.
  public let y: Tensor
}

/// What a run trains: the Trainer supplies data, reduction, checkpoints and logs around it.
public protocol TrainingTask: AnyObject {
  /// Everything with parameters.
  var model: Module { get }

  /// This rank's part of the loss's denominator, from labels and shapes alone.
  func denominator(_ batch: Batch) throws -> Double

  /// This rank's part of the loss's sum, recorded so that gradients flow.
  func lossSum(_ batch: Batch) throws -> Tensor

  /// Adds a validation batch to the totals.
  func evaluate(_ batch: Batch, into totals: inout ValidationTotals) throws
}

/// This rank's sums over the validation rows that it has seen.
public struct ValidationTotals: Sendable {
  /// The loss's sum.
  public var lossSum = 0.0
  /// The loss's denominator.
  public var denominator = 0.0
  /// Rows whose largest output is the label.
  public var correct = 0
  /// Rows that a label was predicted for; 0 for a task without classes.
  public var rows = 0
}

/// One network, one loss: classification and regression.
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

  func denominator(_ batch: Batch) throws -> Double { try loss.denominator(batch.y) }

  func lossSum(_ batch: Batch) throws -> Tensor { try loss.sum(network(batch.x), batch.y) }

  func evaluate(_ batch: Batch, into totals: inout ValidationTotals) throws {
    let prediction = try network(batch.x)
    totals.lossSum += try loss.sum(prediction, batch.y).scalar
    totals.denominator += try loss.denominator(batch.y)
    if hasClasses {
      totals.correct += try prediction.correctCount(labels: batch.y)
      totals.rows += batch.y.count
    }
  }
}

extension Configuration.Loss {
  /// The loss that the configuration names.
  func makeLoss() -> any Loss {
    switch self {
    case .crossEntropy: CrossEntropy()
    case .mse: MeanSquaredError()
    case .mae: MeanAbsoluteError()
    case .huber: Huber()
    case .bceWithLogits: BCEWithLogits()
    }
  }
}
