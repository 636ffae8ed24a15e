import DLTensor

/// One change for all inputs, by gradient ascent on the mean loss over them.
///
///     v = bounded(v + step · direction(Σ ∇ loss(x + v)))
///
/// Moosavi-Dezfooli et al. 2017, "Universal Adversarial Perturbations", by the ascent of Shafahi et
/// al. 2020, "Universal Adversarial Training", over all rows at once, so that no order of rows and no
/// number of ranks matters.
package struct UniversalPerturbation: Attack {
  package static let word = "universal"
  package static let defaultSteps = 20
  package static let knownOptions: Set<AttackOption> = [.steps, .stepSize]
  let options: AttackOptions
  private var change: [Double] = []

  package init(_ options: AttackOptions) { self.options = options }

  package mutating func learn(from field: any AttackField, _ network: AttackedNetwork) throws {
    let context = network.context
    let count = field.shape.count
    var v = try Tensor.zeros(field.shape.prepending(1), dtype: .float64, context: context)
    for _ in 0..<options.steps {
      change = v.doubles
      let sum = try field.sum(count) { rows in
        let x = try perturbed(rows, network)
        let ascent = try network.ascent(at: x, rows.labels, isTargeted: options.isTargeted)
        return try ascent.overRows { try $0.converted(to: .float64) }
          .reshape([rows.pixels.shape[0], count]).sum(axis: 0)
      }
      let direction = try options.norm.direction(sum.reshape(field.shape.prepending(1)))
      v = try options.norm.bounded(v + direction * options.stepLength, options.epsilon)
    }
    change = v.doubles
  }

  package func perturbed(_ rows: AttackRows, _ network: AttackedNetwork) throws -> Tensor {
    let shape = rows.pixels.shape.dropFirst()
    guard change.count == shape.count else { return rows.pixels }
    let v = try Tensor.values(
      change, shape: shape, dtype: rows.pixels.dtype, context: rows.pixels.context)
    return try network.clipped(rows.pixels + v)
  }
}
