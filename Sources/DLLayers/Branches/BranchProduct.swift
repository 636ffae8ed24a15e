import DLConfiguration
import DLTensor

/// The product, element by element, of what several branches make of one input.
///
/// Shapes without the batch broadcast from their last axis: `[height, width, channels]` and
/// `[channels]` give the first. So a gate per channel (Hu et al. 2018) or per element (Dauphin et al.
/// 2017) is a branch. Counterpart: `math.prod(branch(x) for branch in branches)`.
public final class BranchProduct: Branches {
  /// The options of ``BranchProduct`` in `model.layers`.
  package struct Options: BranchSpec {
    package static var word: String { "multiply" }
    /// The branches.
    package var branches = BranchList()
    package init() {}
    package static var fields: [ConfigurationField<Self>] { [branchesField] }
    func layer(of chains: [Sequential], names: [String]?) -> any Layer {
      BranchProduct(chains, names: names)
    }
  }

  override func forward(from x: Tensor) throws -> Tensor {
    let outputs = try outputs(x)
    let rank = outputs.map(\.shape.rank).max() ?? 0
    let factors = try outputs.map { y in
      guard y.shape.rank < rank, y.shape.rank > 0 else { return y }
      let ones = [Int](repeating: 1, count: rank - y.shape.rank)
      return try y.reshape(Shape([y.shape[0]] + ones + y.shape.dimensions.dropFirst()))
    }
    let product = try factors.dropFirst().reduce(factors[0]) { try $0 * $1 }
    product.lengths = outputs.lazy.compactMap(\.lengths).first
    return product
  }

  override func outputShape(from input: Shape) throws -> Shape {
    let shapes = try outputShapes(input)
    return try shapes.dropFirst().reduce(shapes[0]) { product, shape in
      guard let next = Shape.broadcast(product, shape) else {
        throw TensorError(
          op: "multiply", "branches give \(joined(shapes)), which do not broadcast")
      }
      return next
    }
  }
}
