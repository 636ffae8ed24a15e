import CKernels
import DLTensor

/// The matrix of momentum with its singular values brought near 1, by a polynomial in it alone.
///
///     x = d / max(|d|, epsilon)
///     a = x x', x = coefficients.0 * x + (coefficients.1 * a + coefficients.2 * a a) x, `steps` times
///
/// A tall matrix goes through x' x instead, which gives the same. The coefficients are steep at 0
/// and leave singular values between about 0.7 and 1.2 (Jordan and others 2024).
package struct NewtonSchulz: Sendable {
  /// Those of x, of its third and of its fifth power.
  package let coefficients: (Double, Double, Double)

  /// Iterations.
  package let steps: Int

  /// The least norm by which a matrix is divided.
  package let epsilon: Double

  /// Describes an iteration; the defaults are PyTorch's.
  package init(
    coefficients: (Double, Double, Double) = (3.4445, -4.7750, 2.0315), steps: Int = 5,
    epsilon: Double = 1e-7
  ) {
    self.coefficients = coefficients
    self.steps = steps
    self.epsilon = epsilon
  }

  /// The bytes that an iteration needs beside the matrix.
  func scratchBytes(_ matrix: MatrixShape, _ dtype: DType) -> Int {
    let side = min(matrix.rows, matrix.columns)
    return (matrix.count + 2 * side * side) * dtype.byteCount
  }

  /// Replaces a matrix.
  func callAsFunction(
    _ matrix: UnsafeMutableRawPointer, _ shape: MatrixShape, _ dtype: DType,
    scratch: UnsafeMutableRawPointer
  ) {
    let (rows, columns, count) = (shape.rows, shape.columns, shape.count)
    let side = min(rows, columns)
    let isTall = rows > columns
    let square = side * side * dtype.byteCount
    let gram = scratch
    let update = gram + square
    var (x, next) = (matrix, update + square)
    let norm = dl_dot(dtype.kernel, x, x, count).squareRoot()
    dl_scale(dtype.kernel, 1 / max(norm, epsilon), x, x, count, 0)
    for _ in 0..<steps {
      gemm(
        dtype, transposeA: isTall, transposeB: !isTall, m: side, n: side, k: max(rows, columns),
        x, lda: columns, x, ldb: columns, beta: 0, gram, ldc: side)
      update.copyMemory(from: gram, byteCount: square)
      gemm(
        dtype, m: side, n: side, k: side, alpha: coefficients.2, gram, lda: side, gram, ldb: side,
        beta: coefficients.1, update, ldc: side)
      next.copyMemory(from: x, byteCount: count * dtype.byteCount)
      let (left, right) = isTall ? (x, update) : (update, x)
      gemm(
        dtype, m: rows, n: columns, k: side, left, lda: isTall ? columns : side, right,
        ldb: columns, beta: coefficients.0, next, ldc: columns)
      swap(&x, &next)
    }
    if x != matrix { matrix.copyMemory(from: x, byteCount: count * dtype.byteCount) }
  }
}
