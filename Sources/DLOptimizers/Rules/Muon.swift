import CKernels
import DLTensor

/// Momentum whose matrices are made orthogonal, as `torch.optim.Muon`.
///
///     b = momentum * b + (1 - momentum) * gradientScale * g
///     d = nesterov ? momentum * b + (1 - momentum) * gradientScale * g : b
///     p = p * (1 - learningRate * weightDecay) - learningRate * r * orthogonal(d)
///
/// d is the matrix `[out, in]`, that of a convolution `[out, in * kernel]`; `orthogonal` is
/// ``NewtonSchulz``, in the parameters' type where PyTorch takes bfloat16. State: `momentum_buffer`
/// (b). Biases, norms, embeddings and the last layer better go by another rule.
///
/// Jordan and others, "Muon: An optimizer for hidden layers in neural networks" (2024); Liu and
/// others, "Muon is Scalable for LLM Training" (2025).
public struct Muon: Optimizer {
  /// What r is.
  public enum RateAdjustment: String, Codable, CaseIterable, Sendable {
    /// `sqrt(max(1, out / in))` (Jordan).
    case original
    /// `0.2 * sqrt(max(out, in))`: steps are as large as AdamW's, so its rates hold (Liu).
    case matchRMSAdamW = "match_rms_adamw"

    func factor(_ matrix: MatrixShape) -> Double {
      let (output, input) = (Double(matrix.outputs), Double(max(matrix.inputs, 1)))
      return switch self {
      case .original: max(1, output / input).squareRoot()
      case .matchRMSAdamW: 0.2 * max(output, input).squareRoot()
      }
    }
  }

  /// The decay rate of the momentum buffer.
  public let momentum: Double

  /// The decay of a parameter per unit of learning rate.
  public let weightDecay: Double

  /// Whether the step looks ahead along the momentum.
  public let nesterov: Bool

  /// How the rate follows from a matrix's shape.
  public let adjustment: RateAdjustment

  /// What makes a matrix orthogonal.
  public let iteration: NewtonSchulz

  /// Throws an `OptimizerError` on a momentum outside `[0, 1)` and on a negative decay.
  public init(
    momentum: Double = 0.95, weightDecay: Double = 0.1, nesterov: Bool = true,
    adjustment: RateAdjustment = .original, iteration: NewtonSchulz = NewtonSchulz()
  ) throws {
    let check = HyperparameterCheck(optimizer: "muon")
    try check.rate(momentum, "momentum")
    try check.nonNegative(weightDecay, "weight_decay")
    try check.require(
      iteration.steps >= 0, Double(iteration.steps), "ns_steps", "a count, 0 or more")
    self.momentum = momentum
    self.weightDecay = weightDecay
    self.nesterov = nesterov
    self.adjustment = adjustment
    self.iteration = iteration
  }

  /// `muon`.
  public var name: String { "muon" }

  /// `momentum_buffer`.
  public var stateNames: [String] { ["momentum_buffer"] }

  /// Takes one step on a slice that is one row.
  public func update(_ slice: ArenaSlice, scalars: StepScalars) {
    let row = MatrixShape(rows: 1, columns: slice.count)
    let byteCount = slice.count * slice.dtype.byteCount
    let space = iteration.scratchBytes(row, slice.dtype)
    withUnsafeTemporaryAllocation(byteCount: byteCount + space + 64, alignment: 64) { room in
      guard let direction = room.baseAddress else { return }
      accumulate(slice, scalars: scalars, into: direction)
      iteration(
        direction, row, slice.dtype, scratch: direction + (byteCount + 63) / 64 * 64)
      apply(slice, scalars: scalars, direction: direction, of: row)
    }
  }

  /// First phase: updates the momentum of a range and writes d.
  func accumulate(
    _ slice: ArenaSlice, scalars: StepScalars, into direction: UnsafeMutableRawPointer
  ) {
    guard let buffer = slice.state[0] else {
      preconditionFailure("muon: the momentum buffer is missing")
    }
    let (type, count) = (slice.dtype.kernel, slice.count)
    let intake = (1 - momentum) * scalars.gradientScale
    dl_scale(type, momentum, buffer, buffer, count, 0)
    dl_axpy(type, intake, slice.gradients, buffer, count)
    dl_scale(type, nesterov ? momentum : 1, buffer, direction, count, 0)
    if nesterov { dl_axpy(type, intake, slice.gradients, direction, count) }
  }

  /// Second phase: takes the step on a range of a matrix, along the same range of its orthogonal one.
  func apply(
    _ slice: ArenaSlice, scalars: StepScalars, direction: UnsafeRawPointer, of matrix: MatrixShape
  ) {
    let (type, count) = (slice.dtype.kernel, slice.count)
    let rate = scalars.learningRate
    dl_scale(type, 1 - rate * weightDecay, slice.parameters, slice.parameters, count, 0)
    dl_axpy(type, -rate * adjustment.factor(matrix), direction, slice.parameters, count)
  }
}
