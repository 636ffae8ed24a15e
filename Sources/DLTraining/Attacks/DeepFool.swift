import DLTensor

/// Steps to the nearest boundary between classes, as if the network were linear, until the class
/// changes.
///
///     r = |f| / |w|² · w   with f and w the difference of two classes' outputs and its gradient
///
/// Moosavi-Dezfooli et al. 2016, "DeepFool: a simple and accurate method to fool deep neural
/// networks", algorithm 2 and section 3.3 for the largest change of an element.
package struct DeepFool: Attack {
  package static let word = "deepfool"
  package static let takesEpsilon = false
  package static let canTarget = false
  package static let defaultSteps = 50
  /// The share by which the whole change goes beyond the boundary.
  static let overshoot = 0.02
  /// The classes that are looked at, those with the largest outputs.
  static let candidates = 10

  let options: AttackOptions

  package init(_ options: AttackOptions) { self.options = options }

  package func perturbed(_ rows: AttackRows, _ network: AttackedNetwork) throws -> Tensor {
    let count = rows.pixels.shape[0]
    guard count > 0 else { return rows.pixels }
    let first = try network.outputs(rows.pixels)
    let classes = first.shape.last
    let own = rows.labels.doubles.map { Int($0) }
    let ranked = try first.sort(descending: true).indices.doubles.map { Int($0) }
    let width = rows.pixels.shape.dropFirst().count
    var change = [Double](repeating: 0, count: count * width)
    var x = rows.pixels
    for _ in 0..<options.steps {
      let outputs = try network.outputs(x)
      let scores = outputs.doubles
      let best = try outputs.argmax().doubles.map { Int($0) }
      let open = (0..<count).filter { best[$0] == own[$0] }
      if open.isEmpty { break }
      let slopes = try gradients(x, classes, network)
      for row in open {
        let others = ranked[row * classes..<(row + 1) * classes].prefix(DeepFool.candidates)
          .filter { $0 != own[row] }
        let step = nearest(row, own[row], others, scores, classes, slopes, width)
        for (index, value) in step.enumerated() { change[row * width + index] += value }
      }
      let moved = try Tensor.values(
        change, shape: rows.pixels.shape, dtype: rows.pixels.dtype, context: rows.pixels.context)
      x = try network.clipped(rows.pixels + moved * (1 + DeepFool.overshoot))
    }
    return x
  }

  /// The gradients of each class's output by the inputs, a list for each class.
  private func gradients(_ x: Tensor, _ classes: Int, _ network: AttackedNetwork) throws
    -> [[Double]]
  {
    try (0..<classes).map { index in
      try network.gradient(at: x) { outputs in
        var pick = [Double](repeating: 0, count: classes)
        pick[index] = 1
        let mask = try Tensor.values(
          pick, shape: [classes], dtype: x.dtype, context: x.context)
        return try (outputs * mask).sum()
      }.gradient.doubles
    }
  }

  /// The step of a row to the nearest boundary.
  private func nearest(
    _ row: Int, _ own: Int, _ others: [Int], _ scores: [Double], _ classes: Int,
    _ slopes: [[Double]], _ width: Int
  ) -> [Double] {
    var best: (distance: Double, step: [Double]) = (.infinity, [])
    for other in others {
      let gap = abs(scores[row * classes + other] - scores[row * classes + own])
      let w = (row * width..<(row + 1) * width).map { slopes[other][$0] - slopes[own][$0] }
      let size =
        options.norm == .l2
        ? w.reduce(0) { $0 + $1 * $1 }.squareRoot() : w.reduce(0) { $0 + abs($1) }
      guard size > 0, gap / size < best.distance else { continue }
      // A little more than the distance, so that rounding does not keep it on the boundary.
      let length = gap / size + 1e-4
      best = (
        gap / size,
        w.map { options.norm == .l2 ? length * $0 / size : length * ($0 > 0 ? 1 : $0 < 0 ? -1 : 0) }
      )
    }
    return best.step
  }
}
