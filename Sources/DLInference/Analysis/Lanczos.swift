import DLCluster
import DLTensor

/// An eigenvalue of a symmetric operator, with what is known of it.
package struct EigenPair {
  /// The eigenvalue.
  package let value: Double
  /// The eigenvector of length 1; nil where none was asked for.
  package let vector: Tensor?
  /// `|A x - value x|`: an eigenvalue lies within this distance.
  package let residual: Double
}

/// The ends of the spectrum of a symmetric operator, by Lanczos's method with full
/// reorthogonalization.
///
///     A V = V T + beta v eᵀ
///
/// with orthonormal columns in V and a tridiagonal T, whose outermost eigenvalues come near those of
/// A first. Golub and Van Loan, "Matrix Computations" (2013), sections 10.1 and 10.3. Of equal
/// eigenvalues it finds one.
package struct Lanczos {
  /// The largest eigenvalues found, the largest first.
  package private(set) var largest: [EigenPair] = []
  /// The smallest, the smallest first.
  package private(set) var smallest: [EigenPair] = []
  /// The products that were made.
  package private(set) var steps = 0
  /// True if the outermost pairs have residuals within the tolerance.
  package private(set) var hasConverged = false

  /// Goes on until the outermost eigenvalues at both ends are found, or for so many steps; collective.
  ///
  /// - Parameters:
  ///   - product: the operator times a vector; collective.
  ///   - start: any vector that is not 0.
  ///   - dimensions: of the space that the vectors lie in.
  ///   - wanted: eigenvalues at either end.
  ///   - tolerance: of residuals, as a share of the largest absolute eigenvalue.
  /// - Throws: what `product` throws; `TensorError` without memory for a vector; `ClusterError`
  ///   where a rank has failed or is lost.
  package init(
    _ product: (Tensor) throws -> Tensor, start: Tensor, dimensions: Int, steps limit: Int,
    wanted: Int = 1, tolerance: Double = 1e-9
  ) throws {
    let length = try start.norm
    guard length > 0, dimensions > 0, limit > 0 else { return }
    var basis = [try start * (1 / length)]
    var matrix = SymmetricTridiagonal(diagonal: [], beside: [])
    var eigen: [SymmetricTridiagonal.Eigen] = []
    while true {
      let last = basis[basis.count - 1]
      var next = try product(last)
      var alpha = try next.dot(last)
      // Twice: what the first pass leaves of the basis is of the size of rounding.
      for _ in 0..<2 {
        for vector in basis { next = try next - vector * next.dot(vector) }
      }
      var beta = try next.norm
      // All ranks go on from the bits of the first, whatever their processors.
      try Lanczos.share(&alpha, &beta, next)
      matrix.diagonal.append(alpha)
      steps = basis.count
      let isDone = steps == min(limit, dimensions)
      let size = matrix.diagonal.map(abs).max() ?? 0
      let isClosed = beta <= 1e-13 * max(size, matrix.beside.max() ?? 0)
      if isDone || isClosed || steps % 5 == 0 {
        eigen = matrix.eigen()
        hasConverged = Lanczos.isFound(eigen, isClosed ? 0 : beta, wanted, tolerance)
        if isDone || isClosed || hasConverged {
          (largest, smallest) = try Lanczos.pairs(eigen, basis, isClosed ? 0 : beta, wanted)
          return
        }
      }
      matrix.beside.append(beta)
      basis.append(try next * (1 / beta))
    }
  }

  private static func share(_ alpha: inout Double, _ beta: inout Double, _ vector: Tensor) throws {
    let communicator = vector.context.communicator
    try communicator.broadcast(
      UnsafeMutableRawBufferPointer(start: vector.pointer, count: vector.byteCount), root: 0)
    var numbers = [alpha, beta]
    try numbers.withUnsafeMutableBytes { try communicator.broadcast($0, root: 0) }
    (alpha, beta) = (numbers[0], numbers[1])
  }

  private static func isFound(
    _ eigen: [SymmetricTridiagonal.Eigen], _ beta: Double, _ wanted: Int, _ tolerance: Double
  ) -> Bool {
    guard beta > 0 else { return true }
    guard eigen.count >= 2 * wanted else { return false }
    let size = max(abs(eigen.first?.value ?? 0), abs(eigen.last?.value ?? 0))
    return (eigen.prefix(wanted) + eigen.suffix(wanted)).allSatisfy {
      beta * abs($0.vector.last ?? 0) <= tolerance * size
    }
  }

  private static func pairs(
    _ eigen: [SymmetricTridiagonal.Eigen], _ basis: [Tensor], _ beta: Double, _ wanted: Int
  ) throws -> (largest: [EigenPair], smallest: [EigenPair]) {
    // What the sums of a product are rounded by, whatever the method says.
    let rounding =
      4 * Double.ulpOfOne * max(abs(eigen.first?.value ?? 0), abs(eigen.last?.value ?? 0))
    func pair(_ index: Int, _ found: SymmetricTridiagonal.Eigen) throws -> EigenPair {
      var vector: Tensor?
      if index == 0 {
        for (coordinate, part) in zip(found.vector, basis) {
          let term = try part * coordinate
          vector = try vector.map { try $0 + term } ?? term
        }
      }
      return EigenPair(
        value: found.value, vector: vector,
        residual: beta * abs(found.vector.last ?? 0) + rounding)
    }
    return (
      try eigen.reversed().prefix(wanted).enumerated().map { try pair($0, $1) },
      try eigen.prefix(wanted).enumerated().map { try pair($0, $1) }
    )
  }
}
