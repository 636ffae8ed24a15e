import DLCore
import DLData
import DLLayers
import DLTensor

/// A network as attacks see it: behind the normalization of its inputs, in evaluation mode, and with
/// weights that do not learn.
package final class AttackedNetwork {
  /// The bounds of one row's values; nil for any number.
  package let range: ClosedRange<Double>?
  let loss: any Loss
  let context: Context
  private let network: any Layer
  private let parameters: [Parameter]
  /// The normalization, `[channels]` or one number; nil for none.
  private let normalization: (mean: Tensor, std: Tensor)?

  /// Takes the network of a task.
  ///
  /// - Parameters:
  ///   - range: what values inputs may have before normalization; nil for any.
  ///   - key: what asks for it, for errors.
  /// - Throws: `UsageError` for a task without a single network and loss, or inputs that are no
  ///   numbers.
  package init(
    _ task: any TrainingTask, _ configuration: Configuration, inputs: DType,
    range: ClosedRange<Double>?, context: Context, key: String = "attack"
  ) throws {
    guard let supervised = task as? SupervisedTask, inputs != .int32 else {
      throw UsageError(
        inputs == .int32
          ? "\(key): the inputs are tokens, which have no gradient; use a network over images"
          : "\(key): the task is no single network with one loss; use a classifier")
    }
    network = supervised.network
    loss = supervised.loss
    parameters = task.model.parameters()
    self.range = range
    self.context = context
    normalization = try configuration.data.normalize.map { normalize in
      func constant(_ values: [Double]) throws -> Tensor {
        try .values(values, shape: [values.count], context: context)
      }
      return (try constant(normalize.mean), try constant(normalize.std))
    }
  }

  /// Runs attacks in evaluation mode, without gradients of the weights; all is as it was behind.
  ///
  /// - Throws: what `body` throws.
  package func attacked<R>(_ body: () throws -> R) rethrows -> R {
    let learning = parameters.filter(\.requiresGradient)
    for parameter in learning { parameter.requiresGradient = false }
    defer { for parameter in learning { parameter.requiresGradient = true } }
    return try context.evaluating(body)
  }

  /// Inputs as the network takes them.
  func normalized(_ pixels: Tensor) throws -> Tensor {
    guard let normalization else { return pixels }
    return try (pixels - normalization.mean) / normalization.std
  }

  /// Inputs before normalization.
  func pixels(of normalized: Tensor) throws -> Tensor {
    guard let normalization else { return normalized }
    return try normalized * normalization.std + normalization.mean
  }

  /// The network's outputs for inputs before normalization.
  ///
  /// - Throws: ``TensorError`` where the network does not take inputs of this shape.
  package func outputs(_ pixels: Tensor) throws -> Tensor {
    context.beginForward(rowOffset: 0)
    return try network(normalized(pixels))
  }

  /// The outputs, and the gradient by the inputs of a number that is made of them.
  func gradient(at pixels: Tensor, of value: (Tensor) throws -> Tensor) throws -> (
    outputs: Tensor, gradient: Tensor
  ) {
    let x = pixels.detached().requiringGradient()
    let (outputs, total) = try context.recording {
      let outputs = try self.outputs(x)
      return (outputs, try value(outputs))
    }
    try context.backward(total)
    return (
      outputs, try x.gradient ?? .zeros(pixels.shape, dtype: pixels.dtype, context: context)
    )
  }

  /// The gradient of the loss by the inputs: the way that leads from the labels, or to them.
  func ascent(at pixels: Tensor, _ labels: Tensor, isTargeted: Bool) throws -> Tensor {
    let gradient = try gradient(at: pixels) { try loss.sum($0, labels) }.gradient
    return isTargeted ? try gradient * -1 : gradient
  }

  /// The values that inputs may have.
  func clipped(_ pixels: Tensor) throws -> Tensor {
    guard let range else { return pixels }
    return try pixels.clamp(range.lowerBound, range.upperBound)
  }
}

extension AttackNorm {
  /// The direction in which a step of length 1 gains most along a gradient, row by row.
  func direction(_ gradient: Tensor) throws -> Tensor {
    switch self {
    case .linf: try gradient.signs()
    case .l2: try gradient.overRows { try $0 / $0.rowLengths().clamp(1e-12, .infinity) }
    }
  }

  /// A change cut back to a size, row by row.
  func bounded(_ change: Tensor, _ epsilon: Double) throws -> Tensor {
    switch self {
    case .linf: try change.clamp(-epsilon, epsilon)
    case .l2:
      try change.overRows {
        try $0 * (epsilon / $0.rowLengths().clamp(max(epsilon, 1e-300), .infinity))
      }
    }
  }

  /// The size of each row's change.
  ///
  /// - Throws: ``TensorError`` when there is no memory.
  package func sizes(of change: Tensor) throws -> [Double] {
    switch self {
    case .l2: try change.overRows { try $0.rowLengths() }.doubles
    case .linf:
      change.shape.rank > 0 && change.shape[0] > 0
        ? try change.overRows { try $0.abs().maximum(axis: 1).values }.doubles : []
    }
  }
}

extension Tensor {
  /// Runs `body` on the rows as vectors, `[rows, elements]`; what has their shape gets this one's.
  func overRows(_ body: (Tensor) throws -> Tensor) throws -> Tensor {
    let rows = shape.rank == 0 ? 1 : shape[0]
    let result = try body(reshape([rows, rows == 0 ? shape.dropFirst().count : count / rows]))
    return result.count == count ? try result.reshape(shape) : result
  }

  /// The Euclidean lengths of rows, `[rows, 1]`.
  fileprivate func rowLengths() throws -> Tensor {
    try square().sum(axis: 1, keepsAxis: true).sqrt()
  }

  /// 1, 0 or -1 by the sign of each element.
  func signs() throws -> Tensor {
    func number(_ value: Double) throws -> Tensor {
      try .full([], value, dtype: dtype, context: context)
    }
    let below = try number(-1).where(self .< 0, else: number(0))
    return try number(1).where(self .> 0, else: below)
  }
}
