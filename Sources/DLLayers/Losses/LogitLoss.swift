import DLTensor

/// A loss of questions of yes or no: each output is a logit, whose sigmoid is compared with a label
/// in 0...1.
public protocol LogitLoss: LossSpec {}

extension LogitLoss {
  /// Numbers from 0 to 1.
  public func labelDomain(_ outputs: Shape, _ type: DType) -> ValueDomain { .within(0...1) }

  /// Probabilities: the sigmoid of the outputs.
  ///
  /// Shapes: any to the same.
  ///
  /// - Throws: ``TensorError`` for outputs that the loss does not take, or where
  ///   there is no memory.
  public func predictions(of outputs: Tensor) throws -> Tensor { try outputs.sigmoid() }

  /// Yes or no for each output.
  public func predictionKind(outputs: Shape, labels: DType) -> PredictionKind {
    .labels(columns(outputs))
  }
}
