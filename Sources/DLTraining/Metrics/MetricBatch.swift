import DLLayers
import DLTensor

/// This rank's rows of a batch, as metrics look at them.
public enum MetricBatch {
  /// Outputs of a network with their labels.
  case scores(ScoreBatch)
  /// Texts that a model made, with those that were wanted.
  case texts(candidates: [String], references: [String])
  /// Generated images beside real ones.
  case generated(GeneratedBatch)
  /// Objects that were found on images, with those that are there, image by image.
  case objects(found: [[Detection]], wanted: [[Detection]], classes: Int)
  /// A value that a task of a program's own hands to its own metrics.
  case own(any Sendable, PredictionKind, labels: Int)

  /// The kind of the model's statement on a row.
  public var kind: PredictionKind {
    switch self {
    case .scores(let batch): batch.kind
    case .texts: .text
    case .generated(let batch): .images(features: batch.width)
    case .objects(_, _, let classes): .objects(classes)
    case .own(_, let kind, _): kind
    }
  }

  /// Labels of the batch.
  package var labelCount: Int {
    switch self {
    case .scores(let batch): batch.labels.count
    case .texts(let candidates, _): candidates.count
    case .generated(let batch): batch.rows
    case .objects(_, let wanted, _): wanted.reduce(0) { $0 + $1.count }
    case .own(_, _, let labels): labels
    }
  }

  /// The outputs and labels.
  ///
  /// - Throws: ``MetricMisfit`` where the rows are something else.
  public var scores: ScoreBatch {
    get throws {
      guard case .scores(let batch) = self else {
        throw MetricMisfit("needs outputs with labels, the model predicts \(kind)")
      }
      return batch
    }
  }
}

/// Measurements of generated images beside real ones.
public struct GeneratedBatch: Sendable {
  /// Real images, and as many generated ones.
  public let rows: Int
  /// The distance of both that the discriminator's loss tells, summed over the rows.
  public let divergence: Double
  /// Features of the real images, row by row.
  public let real: [Double]
  /// Features of the generated images.
  public let generated: [Double]
  /// Features of an image; 0 where the model has no network to look at them.
  public let width: Int

  /// Makes a batch.
  public init(
    rows: Int, divergence: Double, real: [Double] = [], generated: [Double] = [], width: Int = 0
  ) {
    (self.rows, self.divergence) = (rows, divergence)
    (self.real, self.generated, self.width) = (real, generated, width)
  }
}

/// Outputs of a network with their labels; what several metrics need is made once.
public final class ScoreBatch {
  /// The network's outputs, `[rows, ..., classes]`.
  public let outputs: Tensor
  /// Int32 `[rows, ...]`, or values in the outputs' shape.
  public let labels: Tensor
  /// The loss, which knows what outputs stand for and which labels do not count.
  public let loss: any Loss
  /// The kind of the outputs' statement.
  public let kind: PredictionKind
  private var madeProbabilities: Tensor?
  private var madeDecisions: Decisions?

  /// Makes a batch.
  public init(_ outputs: Tensor, labels: Tensor, loss: any Loss) {
    self.outputs = outputs
    self.labels = labels
    self.loss = loss
    kind = loss.predictionKind(outputs: outputs.shape, labels: labels.dtype)
  }

  /// The values that outputs stand for: the probabilities of classes or labels.
  public var probabilities: Tensor {
    get throws {
      if let madeProbabilities { return madeProbabilities }
      let result = try loss.predictions(of: outputs)
      madeProbabilities = result
      return result
    }
  }

  /// The label that does not count, where labels are classes.
  public var ignoredLabel: Int32? { (loss as? any ClassLoss)?.ignoreIndex }

  /// The classes of rows, in the order of rows.
  var classLabels: UnsafeBufferPointer<Int32> {
    UnsafeBufferPointer(
      start: labels.pointer.assumingMemoryBound(to: Int32.self), count: labels.count)
  }

  /// The right labels and those decided on, label by label, without those that do not count.
  public var decisions: Decisions {
    get throws {
      if let madeDecisions { return madeDecisions }
      let result = try Decisions(self)
      madeDecisions = result
      return result
    }
  }
}

/// Labels beside what a model decided for them.
public struct Decisions {
  /// The right class, or 1 for yes and 0 for no.
  public private(set) var truth: [Int] = []
  /// The class with the largest output, the first of equals, or 1 where yes has more than half.
  public private(set) var predicted: [Int] = []

  init(_ batch: ScoreBatch) throws {
    switch batch.kind {
    case .classes:
      let best = try batch.outputs.argmax().pointer.assumingMemoryBound(to: Int32.self)
      let ignored = batch.ignoredLabel
      truth.reserveCapacity(batch.labels.count)
      predicted.reserveCapacity(batch.labels.count)
      for (row, label) in batch.classLabels.enumerated() where label != ignored {
        truth.append(Int(label))
        predicted.append(Int(best[row]))
      }
    case .labels:
      truth = batch.labels.doubles.map { $0 >= 0.5 ? 1 : 0 }
      predicted = try batch.probabilities.doubles.map { $0 > 0.5 ? 1 : 0 }
    default:
      throw MetricMisfit("needs classes, the model predicts \(batch.kind)")
    }
  }

  /// The number of right ones among them.
  var right: Int { zip(truth, predicted).reduce(0) { $0 + ($1.0 == $1.1 ? 1 : 0) } }
}
