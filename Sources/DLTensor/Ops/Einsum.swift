extension Tensor {
  /// Einstein's sum of two operands, as in `einsum("bij,bjk->bik", a, b)`.
  ///
  /// Shapes: any whose axes the equation names, here `[b, i, j]` and `[b, j, k]` to `[b, i, k]`.
  ///
  /// Axes are named by letters. Those of both operands that the result lacks are summed over, those
  /// of one alone that it lacks too; a batched matrix product does the work. No letter may occur
  /// twice in one operand. Counterpart: `torch.einsum`.
  ///
  /// - Throws: ``TensorError`` for an equation that cannot be read or does not fit the shapes.
  public static func einsum(_ equation: String, _ a: Tensor, _ b: Tensor) throws -> Tensor {
    let plan = try EinsumPlan(equation, a.shape, b.shape)
    let left = try a.arranged(plan.a, drop: plan.loneA, [plan.batch, plan.left, plan.summed])
    let right = try b.arranged(plan.b, drop: plan.loneB, [plan.batch, plan.summed, plan.right])
    let product = try left.matmul(right)
    let order = plan.batch + plan.left + plan.right
    let whole = try product.reshape(Shape(order.map { plan.extents[$0, default: 1] }))
    let axes = plan.result.compactMap { order.firstIndex(of: $0) }
    return axes == Array(0..<order.count) ? whole : try whole.permute(axes)
  }

  /// Sums over the axes in `drop`, then brings the others into three groups, one axis each.
  private func arranged(_ names: [Character], drop: [Character], _ groups: [[Character]]) throws
    -> Tensor
  {
    let dropped = names.indices.filter { drop.contains(names[$0]) }
    let x = dropped.isEmpty ? self : try sum(axes: dropped)
    let rest = names.filter { !drop.contains($0) }
    let axes = groups.flatMap { $0 }.compactMap { rest.firstIndex(of: $0) }
    let ordered = axes == Array(0..<rest.count) ? x : try x.permute(axes)
    var extents: [Int] = []
    for group in groups {
      extents.append(group.reduce(1) { $0 * x.shape[rest.firstIndex(of: $1) ?? 0] })
    }
    return try ordered.reshape(Shape(extents))
  }
}

/// The parts that the axes of an equation play.
private struct EinsumPlan {
  let a: [Character]
  let b: [Character]
  let result: [Character]
  var extents: [Character: Int] = [:]

  init(_ equation: String, _ shapeA: Shape, _ shapeB: Shape) throws {
    let sides = equation.filter { $0 != " " }.split(
      separator: "->", omittingEmptySubsequences: false)
    let operands = sides.first?.split(separator: ",", omittingEmptySubsequences: false) ?? []
    guard sides.count == 2, operands.count == 2,
      (operands + [sides[1]]).allSatisfy({ $0.allSatisfy(\.isLetter) })
    else {
      throw TensorError(op: "einsum", "\(equation) is not of the form ij,jk->ik")
    }
    (a, b, result) = (Array(operands[0]), Array(operands[1]), Array(sides[1]))
    for names in [a, b, result] where Set(names).count < names.count {
      throw TensorError(op: "einsum", "\(equation) names an axis of \(String(names)) twice")
    }
    guard result.count <= Shape.maximumRank else {
      throw TensorError(
        op: "einsum",
        "\(equation) has \(result.count) axes, at most \(Shape.maximumRank) are allowed")
    }
    guard Set(result).isSubset(of: a + b) else {
      throw TensorError(op: "einsum", "\(equation) has an axis in its result alone")
    }
    for (names, shape) in [(a, shapeA), (b, shapeB)] {
      guard names.count == shape.rank else {
        throw EinsumPlan.unfit(equation, shapeA, shapeB)
      }
      for (axis, name) in names.enumerated() {
        guard extents[name] == nil || extents[name] == shape[axis] else {
          throw EinsumPlan.unfit(equation, shapeA, shapeB)
        }
        extents[name] = shape[axis]
      }
    }
  }

  var batch: [Character] { a.filter { b.contains($0) && result.contains($0) } }
  var summed: [Character] { a.filter { b.contains($0) && !result.contains($0) } }
  var left: [Character] { a.filter { !b.contains($0) && result.contains($0) } }
  var right: [Character] { b.filter { !a.contains($0) && result.contains($0) } }
  var loneA: [Character] { a.filter { !b.contains($0) && !result.contains($0) } }
  var loneB: [Character] { b.filter { !a.contains($0) && !result.contains($0) } }

  private static func unfit(_ equation: String, _ a: Shape, _ b: Shape) -> TensorError {
    TensorError(op: "einsum", "\(equation) does not fit shapes \(a) and \(b)")
  }
}
