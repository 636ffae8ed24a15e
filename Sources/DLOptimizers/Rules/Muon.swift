import CKernels
import DLConfiguration
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
package struct Muon: MatrixOptimizer {
  /// The factor r of the learning rate, by the matrix's shape.
  package enum RateAdjustment: String, Codable, CaseIterable, Sendable {
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
  package let momentum: Double

  /// The decay of a parameter per unit of learning rate.
  package let weightDecay: Double

  /// True if the step looks ahead along the momentum.
  package let nesterov: Bool

  /// The rule by which the learning rate follows from a matrix's shape.
  package let adjustment: RateAdjustment

  /// The iteration that makes a matrix orthogonal.
  package let iteration: NewtonSchulz

  /// Makes the rule with its hyperparameters.
  ///
  /// - Throws: `OptimizerError` on a momentum outside `[0, 1)` and on a negative decay.
  package init(
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

  /// `momentum_buffer`.
  package var stateNames: [String] { ["momentum_buffer"] }

  /// One array: the momentum that is made orthogonal.
  package var arrayCount: Int { 1 }

  /// The rule needs matrices: only they can be made orthogonal.
  package var takesVectors: Bool { false }

  /// The bytes that the iteration needs beside the matrix.
  package func scratchBytes(_ matrix: MatrixShape, _ dtype: DType) -> Int {
    iteration.scratchBytes(matrix, dtype)
  }

  /// First phase: updates the momentum of a range and writes d.
  package func accumulate(_ slice: ArenaSlice, scalars: StepScalars, into arrays: MatrixArrays) {
    guard let buffer = slice.state[0] else {
      preconditionFailure("muon: the momentum buffer is missing")
    }
    let (type, count) = (slice.dtype.kernel, slice.count)
    let intake = (1 - momentum) * scalars.gradientScale
    dl_scale(type, momentum, buffer, buffer, count, 0)
    dl_axpy(type, intake, slice.gradients, buffer, count)
    dl_scale(type, nesterov ? momentum : 1, buffer, arrays[0], count, 0)
    if nesterov { dl_axpy(type, intake, slice.gradients, arrays[0], count) }
  }

  /// Second phase: makes d orthogonal.
  package func prepare(
    _ arrays: MatrixArrays, of matrix: MatrixShape, dtype: DType, scalars: StepScalars,
    scratch: UnsafeMutableRawPointer
  ) {
    iteration(arrays[0], matrix, dtype, scratch: scratch)
  }

  /// Third phase: takes the step on a range of a matrix, along the same range of its orthogonal
  /// one.
  package func apply(
    _ slice: ArenaSlice, scalars: StepScalars, arrays: MatrixArrays, of matrix: MatrixShape
  ) {
    let (type, count) = (slice.dtype.kernel, slice.count)
    let rate = scalars.learningRate
    dl_scale(type, 1 - rate * weightDecay, slice.parameters, slice.parameters, count, 0)
    dl_axpy(type, -rate * adjustment.factor(matrix), arrays[0], slice.parameters, count)
  }
}

/// The options of Muon.
package struct MuonSpec: OptimizerSpec {
  package static var word: String { "muon" }
  /// The learning rate unless another is given.
  package static var learningRate: Double { 0.001 }
  /// The weight decay unless another is given.
  package static var weightDecay: Double { 0.1 }

  /// The decay rate of the momentum buffer.
  package var momentum = 0.95
  /// True if the step looks ahead along the momentum; it does where there is momentum unless told.
  package var nesterov = true
  /// The rule by which the learning rate follows from a matrix's shape.
  package var adjustLrFn = Muon.RateAdjustment.original
  /// The iterations that make matrices orthogonal.
  package var nsSteps = 5

  package init() {}

  package static var fields: [ConfigurationField<Self>] {
    [
      .init("momentum", \.momentum, .within(0..<1), "decay rate of the momentum"),
      .init("nesterov", \.nesterov, "whether the step looks ahead (Nesterov)"),
      .init(
        "adjust_lr_fn", \.adjustLrFn,
        "learning rate times sqrt(max(1, out / in)), or as for steps as large as AdamW's"),
      .init("ns_steps", \.nsSteps, .within(0...99), "iterations that make matrices orthogonal"),
    ]
  }

  /// Turns looking ahead off where there is no momentum to look along.
  package mutating func resolve(given: Set<String>) {
    if !given.contains("nesterov") { nesterov = momentum > 0 }
  }

  /// Makes the rule for a group of parameters.
  ///
  /// - Throws: `OptimizerError` where `momentum` is outside `[0, 1)`, or another number is
  ///   negative.
  package func makeOptimizer(weightDecay: Double, adapts: Bool) throws -> any Optimizer {
    try Muon(
      momentum: momentum, weightDecay: weightDecay, nesterov: nesterov, adjustment: adjustLrFn,
      iteration: NewtonSchulz(steps: nsSteps))
  }
}

extension Muon.RateAdjustment: ConfigurationWord {}
