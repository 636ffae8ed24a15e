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
  gemm(
    dtype.kernel, transposeA: transposeA, transposeB: transposeB, m: m, n: n, k: k, alpha: alpha, a,
    lda: lda, b, ldb: ldb, beta: beta, c, ldc: ldc)
}

/// The same by the kernels' name of the type; products of bfloat16 have one engine.
func gemm(
  _ type: dl_dtype, transposeA: Bool = false, transposeB: Bool = false, m: Int, n: Int, k: Int,
  alpha: Double = 1, _ a: UnsafeRawPointer, lda: Int, _ b: UnsafeRawPointer, ldb: Int,
  beta: Double, _ c: UnsafeMutableRawPointer, ldc: Int
) {
  guard m > 0, n > 0 else { return }
  if Engine.current == .native || type == DL_BF16 {
    dl_gemm(
      type, transposeA ? 1 : 0, transposeB ? 1 : 0, m, n, k, alpha, a, lda, b, ldb, beta,
      c, ldc)
    return
  }
  // BLAS refuses a leading dimension of 0, also where there is nothing to read: the sum over k = 0 is 0.
  let (lda, ldb) = (max(lda, 1), max(ldb, 1))
  let ta = transposeA ? CblasTrans : CblasNoTrans
  let tb = transposeB ? CblasTrans : CblasNoTrans
  if type == DL_F32 {
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

/// A right operand `op(b)`, `[k, n]`, for many products with few rows each: a step's weight in a
/// recurrent layer, which the native engine lays out once.
struct RepeatedOperand {
  private let type: dl_dtype
  private let transposed: Bool
  private let n: Int
  private let k: Int
  private let matrix: UnsafeRawPointer
  private let leading: Int
  private let packed: Tensor?

  /// Takes `b`, which must stay as it is; its rows are `leading` elements apart.
  init(
    _ b: Tensor, transposed: Bool = false, n: Int, k: Int, leading: Int
  ) throws {
    (type, self.transposed, self.n, self.k, self.leading) = (
      b.productType, transposed, n, k, leading
    )
    matrix = UnsafeRawPointer(b.pointer)
    guard Engine.current == .native || type == DL_BF16, n > 0, k > 0 else {
      packed = nil
      return
    }
    let layout = try Tensor.empty(
      [dl_gemm_packed_bytes(type, n, k)], dtype: .uint8, context: b.context)
    dl_gemm_pack(type, transposed ? 1 : 0, n, k, matrix, leading, layout.pointer)
    packed = layout
  }

  /// `c = a · op(b)`, or `c += a · op(b)` with `accumulate`; `a` has `m` rows.
  func product(
    m: Int, _ a: UnsafeRawPointer, lda: Int, accumulate: Bool, _ c: UnsafeMutableRawPointer,
    ldc: Int
  ) {
    guard let packed else {
      gemm(
        type, transposeB: transposed, m: m, n: n, k: k, a, lda: lda, matrix, ldb: leading,
        beta: accumulate ? 1 : 0, c, ldc: ldc)
      return
    }
    dl_gemm_packed(type, m, n, k, a, lda, packed.pointer, accumulate ? 1 : 0, c, ldc)
  }
}

/// OpenBLAS, the library under ``Engine/blas``.
package enum BLAS {
  /// The kernel set that OpenBLAS chose for this CPU, such as `SkylakeX` or `Haswell`.
  package static var core: String { String(cString: openblas_get_corename()) }

  /// OpenBLAS's version and build options.
  package static var configuration: String { String(cString: openblas_get_config()) }
}
