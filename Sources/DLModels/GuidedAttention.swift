import DLTensor
import Glibc

/// The cost of attention away from the diagonal where texts go along with their sources, as in
/// speech or spelling.
///
/// `weight · Σ_t Σ_s attention[t, s] · (1 - exp(-(s/S - t/T)² / (2 · width²)))`, for sources of S and
/// targets of T tokens. Tachibana et al. 2018, "Efficiently Trainable Text-to-Speech System Based on
/// Deep Convolutional Networks with Guided Attention", section 4.1, whose mean over source positions
/// is a sum here.
public struct GuidedAttention: Sendable {
  /// The factor of the sum.
  package let weight: Double
  /// The distance from the diagonal that costs little, as a share of both lengths.
  package let width: Double

  /// Makes the loss.
  public init(_ weight: Double, width: Double = 0.2) {
    self.weight = weight
    self.width = width
  }

  /// The sum over rows; a scalar, recorded.
  ///
  /// - Parameters:
  ///   - attention: weights, `[batch, target, source]`.
  ///   - sources: the tokens of each source.
  ///   - targets: the positions of each target.
  /// - Throws: ``TensorError`` for shapes that do not fit.
  package func sum(_ attention: Tensor, sources: [Int], targets: [Int]) throws -> Tensor {
    var costs = [Double](repeating: 0, count: attention.count)
    for (row, (source, target)) in zip(sources, targets).enumerated() {
      for place in 0..<min(target, attention.shape[1]) {
        let first = (row * attention.shape[1] + place) * attention.shape[2]
        for position in 0..<min(source, attention.shape[2]) {
          let off = Double(position) / Double(source) - Double(place) / Double(target)
          costs[first + position] =
            weight * (1 - PortableMath.exp(-off * off / (2 * width * width)))
        }
      }
    }
    let factors = try Tensor.values(
      costs, shape: attention.shape, dtype: attention.dtype, context: attention.context)
    return try (attention * factors).sum()
  }
}
