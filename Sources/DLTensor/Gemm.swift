import CKernels
import COpenBLAS

/// General matrix product `c = alpha · op(a) · op(b) + beta · c` on row-major matrices, by the
/// ``Engine`` in use.
///
/// `op(a)` is `[m, k]`, `op(b)` is `[k, n]`, `c` is `[m, n]`; a leading dimension is the distance
/// between rows.
package func gemm(
  _ dtype: DType, transposeA: Bool = false, transposeB: Bool = false, m: Int, n: Int, k: Int,
  alpha: Double = 1, _ a: UnsafeRawPointer, lda: Int, _ b: UnsafeRawPointer, ldb: Int,
  beta: Double, _ c: UnsafeMutableRawPointer, ldc: Int
) {
  guard m > 0, n > 0 else { return }
  if Engine.current == .native {
    dl_gemm(
      dtype.kernel, transposeA ? 1 : 0, transposeB ? 1 : 0, m, n, k, alpha, a, lda, b, ldb, beta,
      c, ldc)
    return
  }
  // BLAS refuses a leading dimension of 0, also where there is nothing to read: the sum over k = 0 is 0.
  let (lda, ldb) = (max(lda, 1), max(ldb, 1))
  let ta = transposeA ? CblasTrans : CblasNoTrans
  let tb = transposeB ? CblasTrans : CblasNoTrans
  if dtype == .float32 {
    cblas_sgemm(
      CblasRowMajor, ta, tb, blasint(m), blasint(n), blasint(k), Float(alpha),
      a.assumingMemoryBound(to: Float.self), blasint(lda),
      b.assumingMemoryBound(to: Float.self), blasint(ldb), Float(beta),
      c.assumingMemoryBound(to: Float.self), blasint(ldc))
  } else {
    cblas_dgemm(
      CblasRowMajor, ta, tb, blasint(m), blasint(n), blasint(k), alpha,
      a.assumingMemoryBound(to: Double.self), blasint(lda),
      b.assumingMemoryBound(to: Double.self), blasint(ldb), beta,
      c.assumingMemoryBound(to: Double.self), blasint(ldc))
  }
}

/// OpenBLAS, the library under ``Engine/blas``.
package enum BLAS {
  /// The kernel set that OpenBLAS chose for this CPU, such as `SkylakeX` or `Haswell`.
  package static var core: String { String(cString: openblas_get_corename()) }

  /// OpenBLAS's version and build options.
  package static var configuration: String { String(cString: openblas_get_config()) }
}
