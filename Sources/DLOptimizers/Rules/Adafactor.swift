import CKernels
import DLConfiguration
import DLTensor
import Foundation

/// Steps divided by the root of second moments of which a matrix keeps row and column means alone,
/// as `torch.optim.Adafactor`.
///
///     d = gradientScale * g,  b = t^beta2Decay
///     r = r + b * (rowMean(d^2) - r),  c = c + b * (columnMean(d^2) - c)        of a matrix
///     v = r c' / max(mean(r), epsilon1)
///     v = v + b * (d^2 - v)                                                     of a vector
///     u = d / sqrt(max(v, epsilon1^2))
///     a = max(epsilon2, rms(p)) * min(learningRate, 1 / sqrt(t))
///     p = p * (1 - learningRate * weightDecay) - a / max(1, rms(u) / threshold) * u
///
/// Shazeer and Stern, "Adafactor: Adaptive Learning Rates with Sublinear Memory Cost" (2018),
/// Algorithms 4 to 6. A convolution is the matrix `[out, in * kernel]`, where PyTorch factors each
/// kernel by itself; other tensors, and matrices of one row or column, are vectors. State: `variance`,
/// which begins with r and c where there are these, and is zero behind them.
package struct Adafactor: MatrixOptimizer {
  /// The exponent of the step in the weight of a new moment, 0 or less.
  package let beta2Decay: Double

  /// The least root of a second moment; nil for the parameters' machine epsilon.
  package let epsilon1: Double?

  /// The least root mean square of a tensor that scales its steps.
  package let epsilon2: Double

  /// The largest root mean square of u.
  package let threshold: Double

  /// The decay of a parameter per unit of learning rate.
  package let weightDecay: Double

  /// Makes the rule with its hyperparameters.
  ///
  /// - Throws: `OptimizerError` on a positive `beta2Decay`, a threshold below 1 and negative factors.
  package init(
    beta2Decay: Double = -0.8, epsilon1: Double? = nil, epsilon2: Double = 1e-3,
    threshold: Double = 1, weightDecay: Double = 0
  ) throws {
    let check = HyperparameterCheck(optimizer: "adafactor")
    try check.require(beta2Decay <= 0, beta2Decay, "beta2_decay", "a number of at most 0")
    try check.nonNegative(epsilon1 ?? 0, "eps1")
    try check.nonNegative(epsilon2, "eps2")
    try check.require(threshold >= 1, threshold, "d", "a number of at least 1")
    try check.nonNegative(weightDecay, "weight_decay")
    self.beta2Decay = beta2Decay
    self.epsilon1 = epsilon1
    self.epsilon2 = epsilon2
    self.threshold = threshold
    self.weightDecay = weightDecay
  }

  /// `variance`.
  package var stateNames: [String] { ["variance"] }

  /// The gradient, the parameters and the state.
  package var arrayCount: Int { 3 }

  /// Vectors have second moments of their elements.
  package var takesVectors: Bool { true }

  /// Room for two matrices and a vector of ones.
  package func scratchBytes(_ matrix: MatrixShape, _ dtype: DType) -> Int {
    (2 * matrix.count + max(matrix.rows, matrix.columns)) * dtype.byteCount
  }

  /// First phase: copies a range.
  package func accumulate(_ slice: ArenaSlice, scalars: StepScalars, into arrays: MatrixArrays) {
    guard let state = slice.state[0] else {
      preconditionFailure("adafactor: the state buffer is missing")
    }
    let byteCount = slice.count * slice.dtype.byteCount
    dl_scale(
      slice.dtype.kernel, scalars.gradientScale, slice.gradients, arrays[0], slice.count, 0)
    arrays[1].copyMemory(from: slice.parameters, byteCount: byteCount)
    arrays[2].copyMemory(from: state, byteCount: byteCount)
  }

  /// Second phase: puts the step in the place of the gradient, and the next state in that of the last.
  package func prepare(
    _ arrays: MatrixArrays, of matrix: MatrixShape, dtype: DType, scalars: StepScalars,
    scratch: UnsafeMutableRawPointer
  ) {
    let (type, count) = (dtype.kernel, matrix.count)
    let gradient = arrays[0]
    let epsilon = epsilon1 ?? (dtype == .float32 ? Double(Float.ulpOfOne) : Double.ulpOfOne)
    let variance = scratch
    let squares = scratch + count * dtype.byteCount
    let ones = squares + count * dtype.byteCount
    let step = Double(scalars.step)
    let weight = PortableMath.pow(step, beta2Decay)
    dl_multiply_add(type, gradient, gradient, squares, count, 0)
    if matrix.rows > 1, matrix.columns > 1 {
      factor(
        squares, of: matrix, dtype: dtype, weight: weight, epsilon: epsilon, state: arrays[2],
        ones: ones, into: variance)
    } else {
      dl_scale(type, 1 - weight, arrays[2], arrays[2], count, 0)
      dl_axpy(type, weight, squares, arrays[2], count)
      dl_copy(type, arrays[2], variance, count)
    }
    dl_clamp(type, epsilon * epsilon, .infinity, variance, variance, count)
    dl_power(type, -0.5, variance, variance, count)
    dl_multiply_add(type, variance, gradient, squares, count, 0)
    func rootMeanSquare(_ values: UnsafeRawPointer) -> Double {
      (dl_dot(type, values, values, count) / Double(count)).squareRoot()
    }
    let size = max(epsilon2, rootMeanSquare(arrays[1]))
    let rate = size * min(scalars.learningRate, 1 / step.squareRoot())
    let divisor = max(1, rootMeanSquare(squares) / threshold)
    dl_scale(type, -rate / divisor, squares, gradient, count, 0)
  }

  /// Updates the row and column means, and writes the second moments that they stand for.
  private func factor(
    _ squares: UnsafeRawPointer, of matrix: MatrixShape, dtype: DType, weight: Double,
    epsilon: Double, state: UnsafeMutableRawPointer, ones: UnsafeMutableRawPointer,
    into variance: UnsafeMutableRawPointer
  ) {
    let (rows, columns) = (matrix.rows, matrix.columns)
    let rowMeans = state
    let columnMeans = state + rows * dtype.byteCount
    dl_fill(dtype.kernel, 1, ones, max(rows, columns))
    gemm(
      dtype, m: rows, n: 1, k: columns, alpha: weight / Double(columns), squares, lda: columns,
      ones, ldb: 1, beta: 1 - weight, rowMeans, ldc: 1)
    gemm(
      dtype, transposeA: true, m: columns, n: 1, k: rows, alpha: weight / Double(rows), squares,
      lda: columns, ones, ldb: 1, beta: 1 - weight, columnMeans, ldc: 1)
    let mean = dl_sum(dtype.kernel, rowMeans, rows) / Double(rows)
    gemm(
      dtype, m: rows, n: columns, k: 1, alpha: 1 / max(mean, epsilon), rowMeans, lda: 1,
      columnMeans, ldb: columns, beta: 0, variance, ldc: columns)
  }

  /// Third phase: takes the step on a range of a matrix.
  package func apply(
    _ slice: ArenaSlice, scalars: StepScalars, arrays: MatrixArrays, of matrix: MatrixShape
  ) {
    let (type, count) = (slice.dtype.kernel, slice.count)
    dl_scale(
      type, 1 - scalars.learningRate * weightDecay, slice.parameters, slice.parameters, count, 0)
    dl_axpy(type, 1, arrays[0], slice.parameters, count)
    slice.state[0]?.copyMemory(from: arrays[2], byteCount: count * slice.dtype.byteCount)
  }
}

/// The options of Adafactor, with PyTorch's defaults.
package struct AdafactorSpec: OptimizerSpec {
  package static var word: String { "adafactor" }
  /// The learning rate unless another is given.
  package static var learningRate: Double { 0.01 }

  /// The exponent of the step in the weight of a new moment.
  package var beta2Decay = -0.8
  /// The least root of a second moment; nil for the parameters' machine epsilon.
  package var eps1: Double?
  /// The least root mean square of a tensor that scales its steps.
  package var eps2 = 1e-3
  /// The largest root mean square of a step before it is scaled.
  package var d = 1.0

  package init() {}

  package static var fields: [ConfigurationField<Self>] {
    [
      .init(
        "beta2_decay", \.beta2Decay, .within(-100...0),
        "exponent of the step in the weight of a new moment"),
      .init("eps1", \.eps1, .above(0), "least root of a second moment; else machine epsilon"),
      .init("eps2", \.eps2, .atLeast(0), "least root mean square that scales a tensor's steps"),
      .init("d", \.d, .atLeast(1), "largest root mean square of a step before it is scaled"),
    ]
  }

  /// Makes the rule for a group of parameters.
  ///
  /// - Throws: `OptimizerError` where `beta2Decay` is above 0, `d` below 1, or another number
  ///   negative.
  package func makeOptimizer(weightDecay: Double, adapts: Bool) throws -> any Optimizer {
    try Adafactor(
      beta2Decay: beta2Decay, epsilon1: eps1, epsilon2: eps2, threshold: d,
      weightDecay: weightDecay)
  }
}
