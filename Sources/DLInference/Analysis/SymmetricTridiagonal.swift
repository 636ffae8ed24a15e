import Glibc

/// A symmetric matrix with entries on its diagonal and beside it alone.
struct SymmetricTridiagonal {
  /// The entries on the diagonal.
  var diagonal: [Double]
  /// The entries beside it, one less.
  var beside: [Double]

  /// Eigenvalues in ascending order, each with its eigenvector of length 1.
  struct Eigen {
    var value: Double
    var vector: [Double]
  }

  /// All eigenvalues and eigenvectors, by Jacobi's rotations; O(n³) for each of a few sweeps.
  ///
  /// Golub and Van Loan, "Matrix Computations" (2013), section 8.5.
  func eigen() -> [Eigen] {
    let n = diagonal.count
    var a = [Double](repeating: 0, count: n * n)
    var v = a
    for i in 0..<n {
      a[i * n + i] = diagonal[i]
      v[i * n + i] = 1
      if i + 1 < n {
        a[i * n + i + 1] = beside[i]
        a[(i + 1) * n + i] = beside[i]
      }
    }
    a.withUnsafeMutableBufferPointer { a in
      v.withUnsafeMutableBufferPointer { v in
        var sweeps = 0
        while sweeps < 60, rotateAll(a, v, n) { sweeps += 1 }
      }
    }
    return (0..<n).map { column in
      Eigen(value: a[column * n + column], vector: (0..<n).map { v[$0 * n + column] })
    }.sorted { $0.value < $1.value }
  }

  /// One sweep over all pairs; whether any of them was rotated.
  private func rotateAll(
    _ a: UnsafeMutableBufferPointer<Double>, _ v: UnsafeMutableBufferPointer<Double>, _ n: Int
  ) -> Bool {
    var rotated = false
    for p in 0..<n {
      for q in p + 1..<max(n, p + 1) {
        let off = a[p * n + q]
        let size = fabs(a[p * n + p]) + fabs(a[q * n + q])
        guard fabs(off) > 1e-17 * size, fabs(off) > .leastNormalMagnitude else {
          a[p * n + q] = 0
          a[q * n + p] = 0
          continue
        }
        rotated = true
        let theta = (a[q * n + q] - a[p * n + p]) / (2 * off)
        let t = (theta < 0 ? -1 : 1) / (fabs(theta) + (theta * theta + 1).squareRoot())
        let c = 1 / (t * t + 1).squareRoot()
        let s = t * c
        for k in 0..<n { rotate(&a[k * n + p], &a[k * n + q], c, s) }
        for k in 0..<n { rotate(&a[p * n + k], &a[q * n + k], c, s) }
        for k in 0..<n { rotate(&v[k * n + p], &v[k * n + q], c, s) }
      }
    }
    return rotated
  }

  private func rotate(_ x: inout Double, _ y: inout Double, _ c: Double, _ s: Double) {
    (x, y) = (c * x - s * y, s * x + c * y)
  }
}
