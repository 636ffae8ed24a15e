import DLConfiguration
import DLTensor

/// The outputs of several branches over one input, one behind the other along an axis.
///
/// Shapes: `[batch, ..., a]` and `[batch, ..., b]` to `[batch, ..., a + b]` along the last axis, that
/// of channels, by default. Inception modules (Szegedy et al. 2015, figure 2) and dense blocks are
/// made from it. Counterpart: `torch.cat([branch(x) for branch in branches], dim)`.
public final class Concat: Branches {
  /// The options of ``Concat`` in `model.layers`.
  package struct Options: BranchSpec {
    package static var word: String { "concat" }
    /// The branches.
    package var branches = BranchList()
    /// The axis, 0 being the batch's.
    package var axis = -1
    package init() {}
    package static var fields: [ConfigurationField<Self>] {
      [
        branchesField,
        .init(
          "axis", \.axis, .within(-7...7),
          "axis that grows: -1 the channels', 1 the first one behind the batch"),
      ]
    }
    func layer(of chains: [Sequential], names: [String]?) -> any Layer {
      Concat(chains, names: names, axis: axis)
    }
  }

  /// The axis, 0 being the batch's; from the end if below 0.
  package let axis: Int

  /// Makes the layer; see ``Branches/init(_:names:)``.
  public init(_ chains: [Sequential], names: [String]? = nil, axis: Int = -1) {
    self.axis = axis
    super.init(chains, names: names)
  }

  override func forward(from x: Tensor) throws -> Tensor {
    let outputs = try outputs(x)
    let y = try Tensor.concat(outputs, axis: axis)
    if y.shape.rank > 2, y.shape[1] == outputs[0].shape[1] { y.lengths = outputs[0].lengths }
    return y
  }

  override func outputShape(from input: Shape) throws -> Shape {
    let shapes = try outputShapes(input)
    let rank = shapes[0].rank
    let place = axis < 0 ? axis + rank : axis - 1
    guard (0..<rank).contains(place) else {
      throw TensorError(
        op: "concat",
        "axis \(axis) of outputs \(shapes[0]) without their batch; use -\(max(rank, 1)) to -1, or 1 to "
          + "\(rank)")
    }
    var result = shapes[0]
    for shape in shapes.dropFirst() {
      guard shape.rank == rank else { throw unfit(shapes) }
      var expected = result
      expected[place] = shape[place]
      guard expected == shape else { throw unfit(shapes) }
      let (sum, overflow) = result[place].addingReportingOverflow(shape[place])
      guard !overflow else { throw TensorError(op: "concat", "the outputs are too large together") }
      result[place] = sum
    }
    return result
  }

  private func unfit(_ shapes: [Shape]) -> TensorError {
    TensorError(
      op: "concat",
      "branches give \(joined(shapes)), which differ in more than axis \(axis); use padding or a "
        + "stride to make the others equal")
  }
}

/// `[2, 3] and [4]`, at most a few of them.
func joined(_ shapes: [Shape]) -> String {
  shapes.prefix(8).map { "\($0)" }.joined(separator: ", ") + (shapes.count > 8 ? ", ..." : "")
}
