import DLConfiguration
import DLTensor

/// The sum of what several branches make of one input.
///
/// Shapes: all branches give the same one. With an empty branch it is a residual connection (He et
/// al. 2016), and with more the aggregated transformations of Xie et al. 2017. Counterpart:
/// `sum(branch(x) for branch in branches)`.
public final class BranchSum: Branches {
  /// The options of ``BranchSum`` in `model.layers`.
  package struct Options: BranchSpec {
    package static var word: String { "sum" }
    /// The branches.
    package var branches = BranchList()
    package init() {}
    package static var fields: [ConfigurationField<Self>] { [branchesField] }
    func layer(of chains: [Sequential], names: [String]?) -> any Layer {
      BranchSum(chains, names: names)
    }
  }

  override func forward(from x: Tensor) throws -> Tensor {
    let outputs = try outputs(x)
    let sum = try outputs.dropFirst().reduce(outputs[0]) { try $0 + $1 }
    sum.lengths = outputs[0].lengths
    return sum
  }

  override func outputShape(from input: Shape) throws -> Shape {
    let shapes = try outputShapes(input)
    guard shapes.allSatisfy({ $0 == shapes[0] }) else {
      throw TensorError(
        op: "sum", "branches give \(joined(shapes)); all need one shape")
    }
    return shapes[0]
  }
}
