import DLCore
import DLTensor

/// The kind of statement that a model makes of a row, which decides the metrics that it can be
/// measured by.
public enum PredictionKind: Sendable, Hashable {
  /// Scores of so many classes that exclude each other, one label a row.
  case classes(Int)
  /// So many questions of yes or no a row, each answered by itself; 1 for two classes in one logit.
  case labels(Int)
  /// So many numbers a row.
  case values(Int)
  /// A sequence of so many classes a row, as long as the row has it.
  case sequences(Int)
  /// A line of text a row.
  case text
  /// Images, each seen as so many features; 0 where nothing looks at them.
  case images(features: Int)
  /// Objects of so many classes on an image, each with a box.
  case objects(Int)
  /// Something else, which it names.
  case other(String)
}

extension PredictionKind: CustomStringConvertible {
  /// As in "the model predicts one of 10 classes".
  public var description: String {
    switch self {
    case .classes(let count): "one of \(count) classes"
    case .labels(1): "yes or no"
    case .labels(let count): "yes or no for \(count) labels"
    case .values: "numbers"
    case .sequences(let count): "sequences of \(count) classes"
    case .text: "text"
    case .images(0): "images, and has no model.features to look at them"
    case .images: "images"
    case .objects(let count): "objects of \(counted(count, "class", "classes"))"
    case .other(let name): name
    }
  }
}

extension Loss {
  /// Numbers for labels that are numbers.
  public func predictionKind(outputs: Shape, labels: DType) -> PredictionKind {
    labels.isReal ? .values(columns(outputs)) : .other("no number for its label")
  }
}

extension ClassLoss {
  /// Classes, for labels that are classes.
  public func predictionKind(outputs: Shape, labels: DType) -> PredictionKind {
    labels.isReal ? .other("a distribution over classes") : .classes(outputs.last)
  }
}

extension BinaryCrossEntropy {
  /// Yes or no for each output.
  public func predictionKind(outputs: Shape, labels: DType) -> PredictionKind {
    .labels(columns(outputs))
  }
}

extension CTC {
  /// Sequences of the classes beside the blank.
  public func predictionKind(outputs: Shape, labels: DType) -> PredictionKind {
    .sequences(outputs.last - 1)
  }
}

extension KLDivergence {
  /// Logarithms of probabilities.
  public func predictionKind(outputs: Shape, labels: DType) -> PredictionKind {
    .other("a distribution")
  }
}

/// Outputs of a row: those of the last axis.
func columns(_ outputs: Shape) -> Int { outputs.rank > 1 ? outputs.last : 1 }
