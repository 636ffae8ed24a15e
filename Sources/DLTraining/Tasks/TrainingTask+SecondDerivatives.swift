import DLLayers
import DLTensor

extension TrainingTask {
  /// The Hessian of a batch's loss sum times a vector, a part for each parameter.
  ///
  /// By differentiating twice (Pearlmutter 1994):
  ///
  ///     H v = ∇(∇L · v)
  ///
  /// - Parameters:
  ///   - parameters: those that learn.
  ///   - directions: the parts of the vector, in the parameters' shapes.
  /// - Throws: `TensorError` where an op of the network has no second derivatives.
  package func hessianProduct(
    _ batch: Batch, phase: Int = 0, of parameters: [Parameter], with directions: [Tensor],
    context: Context
  ) throws -> [Tensor] {
    defer { context.discardTape() }
    let leaves = try parameters.map { try $0.value }
    let slope = try context.differentiably {
      let loss = try lossSum(batch, phase: phase)
      let gradients = try context.gradients(of: loss, with: leaves, createGraph: true)
      let start = try Tensor.zeros([], dtype: context.precision, context: context)
      return try zip(gradients, directions).reduce(start) { try $0 + ($1.0 * $1.1).sum() }
    }
    return try context.gradients(of: slope, with: leaves)
  }

  /// The obstacle to differentiating a network twice, found on a row of zeros; nil for none.
  ///
  /// - Throws: what is no matter of derivatives.
  package func secondDerivativeObstacle(
    _ row: Batch, phase: Int = 0, of parameters: [Parameter], context: Context
  ) throws -> String? {
    context.beginForward(rowOffset: 0)
    do {
      _ = try hessianProduct(
        row, phase: phase, of: parameters, with: parameters.map { try $0.value }, context: context)
      return nil
    } catch let error as TensorError {
      return error.detail.hasPrefix("has no second derivatives")
        ? "\(error.op) has no second derivatives" : error.description
    }
  }
}
