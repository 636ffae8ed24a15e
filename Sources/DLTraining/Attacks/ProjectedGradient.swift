import DLTensor
import Glibc

/// Projected gradient ascent from a random start within the ball around the input.
///
/// Madry et al. 2018, "Towards Deep Learning Models Resistant to Adversarial Attacks". The start is
/// uniform in the ball and keyed by the row.
package struct ProjectedGradient: Attack {
  package static let word = "pgd"
  package static let knownOptions: Set<AttackOption> = [.steps, .stepSize]
  let options: AttackOptions

  package init(_ options: AttackOptions) { self.options = options }

  package func perturbed(_ rows: AttackRows, _ network: AttackedNetwork) throws -> Tensor {
    let start = try network.clipped(rows.pixels + start(rows))
    return try options.climbed(rows, from: start, network)
  }

  private func start(_ rows: AttackRows) throws -> Tensor {
    let width = rows.pixels.shape.dropFirst().count
    var values: [Double] = []
    values.reserveCapacity(rows.keys.count * width)
    for key in rows.keys {
      var stream = RandomStream(key.child("start"))
      switch options.norm {
      case .linf:
        for _ in 0..<width { values.append((2 * stream.uniform() - 1) * options.epsilon) }
      case .l2:
        // A normal vector has no preferred direction, and the volume grows with the power of width.
        let radius = options.epsilon * PortableMath.pow(stream.uniform(), 1 / Double(max(width, 1)))
        let vector = (0..<width).map { _ in stream.normal() }
        let length = max(vector.reduce(0) { $0 + $1 * $1 }.squareRoot(), 1e-300)
        values += vector.map { $0 / length * radius }
      }
    }
    return try .values(
      values, shape: rows.pixels.shape, dtype: rows.pixels.dtype, context: rows.pixels.context)
  }
}
