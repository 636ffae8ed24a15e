/// Mean and covariance of vectors of features, added up over rows and ranks.
package struct FeatureStatistics {
  package let width: Int
  /// The count, the sums, and the sums of products, in one array so that ranks add them at once.
  package private(set) var sums: [Double]

  /// Takes sums as ``sums`` gave them.
  package init(sums: some Collection<Double>) {
    self.sums = Array(sums)
    // 1 + w + w² sums.
    let root = (4 * Double(sums.count) - 3).squareRoot()
    width = Int((root / 2).rounded(.down))
  }

  package init(width: Int) {
    self.width = width
    sums = [Double](repeating: 0, count: 1 + width + width * width)
  }

  /// Adds rows of `width` features each.
  package mutating func add(_ rows: [Double]) {
    for start in stride(from: 0, to: rows.count, by: width) {
      sums[0] += 1
      for i in 0..<width {
        let x = rows[start + i]
        sums[1 + i] += x
        for j in 0..<width { sums[1 + width + i * width + j] += x * rows[start + j] }
      }
    }
  }

  /// The number of rows.
  var count: Double { sums[0] }

  /// The mean of each feature.
  var mean: [Double] { (0..<width).map { sums[1 + $0] / count } }

  /// The unbiased covariance.
  var covariance: SquareMatrix {
    let mean = mean
    return SquareMatrix(width) { i, j in
      (sums[1 + width + i * width + j] - count * mean[i] * mean[j]) / (count - 1)
    }
  }
}

/// The Frechet distance between two normal distributions, squared as FID reports it:
/// `|m₁ - m₂|² + tr(C₁ + C₂ - 2·(C₁^½ C₂ C₁^½)^½)`.
///
/// Heusel et al. 2017, "GANs Trained by a Two Time-Scale Update Rule", equation 6.
package func frechetDistance(_ a: FeatureStatistics, _ b: FeatureStatistics) -> Double {
  let means = zip(a.mean, b.mean).reduce(0) { $0 + ($1.0 - $1.1) * ($1.0 - $1.1) }
  let (ca, cb) = (a.covariance, b.covariance)
  let root = ca.squareRoot()
  let cross = (root * cb * root).eigen().values.reduce(0) { $0 + max($1, 0).squareRoot() }
  return means + ca.trace + cb.trace - 2 * cross
}

/// A small dense matrix, symmetric where eigenvalues are asked for.
struct SquareMatrix {
  let size: Int
  private(set) var values: [Double]

  init(_ size: Int, _ element: (Int, Int) -> Double) {
    self.size = size
    values = (0..<size * size).map { element($0 / size, $0 % size) }
  }

  subscript(i: Int, j: Int) -> Double {
    get { values[i * size + j] }
    set { values[i * size + j] = newValue }
  }

  var trace: Double { (0..<size).reduce(0) { $0 + self[$1, $1] } }

  static func * (a: Self, b: Self) -> Self {
    SquareMatrix(a.size) { i, j in
      (0..<a.size).reduce(0) { $0 + a[i, $1] * b[$1, j] }
    }
  }

  /// The positive root of a positive semidefinite matrix.
  func squareRoot() -> Self {
    let (values, vectors) = eigen()
    let roots = values.map { max($0, 0).squareRoot() }
    return SquareMatrix(size) { i, j in
      (0..<size).reduce(0) { $0 + vectors[i, $1] * roots[$1] * vectors[j, $1] }
    }
  }

  /// Eigenvalues and, as columns, eigenvectors, by Jacobi's cyclic rotations (Golub and Van Loan,
  /// "Matrix Computations", section 8.5).
  func eigen() -> (values: [Double], vectors: SquareMatrix) {
    var a = self
    var vectors = SquareMatrix(size) { $0 == $1 ? 1 : 0 }
    for _ in 0..<64 {
      var off = 0.0
      for i in 0..<size { for j in 0..<i { off += a[i, j] * a[i, j] } }
      if off <= 1e-26 * max(trace * trace, 1e-300) { break }
      for p in 0..<size {
        for q in (p + 1)..<max(size, p + 1) where a[p, q] != 0 {
          let theta = (a[q, q] - a[p, p]) / (2 * a[p, q])
          let t = (theta < 0 ? -1 : 1) / (abs(theta) + (theta * theta + 1).squareRoot())
          let c = 1 / (t * t + 1).squareRoot()
          a.rotate(p, q, c, t * c)
          vectors.rotateColumns(p, q, c, t * c)
        }
      }
    }
    return ((0..<size).map { a[$0, $0] }, vectors)
  }

  private mutating func rotate(_ p: Int, _ q: Int, _ c: Double, _ s: Double) {
    rotateColumns(p, q, c, s)
    for k in 0..<size {
      let (x, y) = (self[p, k], self[q, k])
      self[p, k] = c * x - s * y
      self[q, k] = s * x + c * y
    }
  }

  private mutating func rotateColumns(_ p: Int, _ q: Int, _ c: Double, _ s: Double) {
    for k in 0..<size {
      let (x, y) = (self[k, p], self[k, q])
      self[k, p] = c * x - s * y
      self[k, q] = s * x + c * y
    }
  }
}
