import DLLayers
import DLTensor
import DLTraining

/// Hessian-vector products of a ``LossSurface`` at the weights where it is made.
///
///     H v = ∇(∇L · v)
///
/// by differentiating twice (Pearlmutter 1994), or where an op of the network has no second
/// derivatives by central differences of the gradient in float64,
///
///     H v = (∇L(w + h v) - ∇L(w - h v)) / 2h + O(h²).
package struct HessianProduct {
  /// A way of making products.
  package enum Method: Sendable, Hashable {
    /// By differentiating twice.
    case differentiation
    /// By central differences with a step along a vector of length 1; the reason is the op that has
    /// no second derivatives.
    case differences(step: Double, reason: String)
  }

  /// The way in which products are made.
  package let method: Method
  private let surface: LossSurface
  private let weights: Tensor

  /// Finds out how the network can be differentiated, from a row of zeros.
  ///
  /// - Parameter differences: whether to take differences in any case.
  /// - Throws: `RankFailure`, the same on every rank, where trying fails otherwise than by an op of
  ///   the network; `TensorError` without memory for a vector.
  package init(_ surface: LossSurface, differences: Bool = false) throws {
    self.surface = surface
    weights = try surface.weights
    // The cube root of the rounding unit balances rounding and curvature, times the weights' size.
    let size = try weights.norm / Double(max(surface.dimensions, 1)).squareRoot()
    let step = 6e-6 * max(size, 1e-2) * Double(max(surface.dimensions, 1)).squareRoot()
    let reason =
      differences
      ? "asked for"
      : try surface.context.communicator.agreed("look for second derivatives") {
        try HessianProduct.obstacle(surface)
      }
    method = reason.map { .differences(step: step, reason: $0) } ?? .differentiation
  }

  /// The obstacle to differentiating the network twice; nil for none.
  private static func obstacle(_ surface: LossSurface) throws -> String? {
    let row = try surface.dataset.rowsOfZeros(
      inputs: surface.transform.outputType, context: surface.context)
    return try surface.task.secondDerivativeObstacle(
      row, of: surface.learning.map(\.parameter), context: surface.context)
  }

  /// The product with a vector; collective.
  ///
  /// - Throws: `RankFailure`, the same on every rank, where a pass over a batch fails;
  ///   `ClusterError` where a rank is lost; `TensorError` without memory for a vector.
  package func callAsFunction(_ v: Tensor) throws -> Tensor {
    guard case .differences(let step, _) = method else { return try differentiated(v) }
    let length = try v.norm
    guard length > 0 else { return v }
    defer { surface.move(to: weights) }
    let ahead = try gradient(at: step / length, v)
    let behind = try gradient(at: -step / length, v)
    return try (ahead - behind) * (length / (2 * step))
  }

  private func gradient(at distance: Double, _ v: Tensor) throws -> Tensor {
    surface.move(to: try weights + v * distance)
    return try surface.gradient().vector
  }

  private func differentiated(_ v: Tensor) throws -> Tensor {
    let (deal, context, learning) = (surface.deal, surface.context, surface.learning)
    let directions = learning.map { surface.part(of: v, $0.parameter, $0.offset) }
    let total = try deal.sum(surface.count, "compute a Hessian-vector product", context: context) {
      range in
      let result = try Tensor.zeros([surface.count], dtype: .float64, context: context)
      for index in range {
        let batch = try surface.held(index)
        let parts = try surface.task.hessianProduct(
          batch, of: learning.map(\.parameter), with: directions, context: context)
        for (place, part) in zip(learning, parts) {
          let sum = surface.part(of: result, place.parameter, place.offset)
          sum.pointer.copyMemory(from: try (sum + part).pointer, byteCount: part.byteCount)
        }
      }
      return result
    }
    return try total * (1 / surface.denominator)
  }
}
