import DLConfiguration
import DLTensor

/// Chains that all take the same input; what they give is put together by a subclass.
///
/// Their parameters are named by the branches' names or numbers, as in `1.0.weight`, which is how
/// `torch.nn.ModuleDict` and `torch.nn.ModuleList` name them.
public class Branches: BuiltInLayer {
  /// The chains in order; an empty one is the identity.
  package let chains: [Sequential]
  /// The names of the chains.
  package let names: [String]

  /// Makes the branches.
  ///
  /// - Parameter names: a name for each chain; their numbers from 0 unless given.
  /// - Precondition: there are as many names as chains, and one chain at least.
  public init(_ chains: [Sequential], names: [String]? = nil) {
    self.chains = chains
    self.names = names ?? chains.indices.map(String.init)
    precondition(!chains.isEmpty && self.names.count == chains.count, "a name for each branch")
  }

  override var ownChildren: [(name: String, value: Any)] {
    zip(names, chains).map { ($0, $1) }
  }

  /// The outputs of the branches.
  func outputs(_ x: Tensor) throws -> [Tensor] { try chains.map { try $0(x) } }

  /// The shapes of what each branch gives, without the batch axis.
  func outputShapes(_ input: Shape) throws -> [Shape] {
    try chains.map { chain in try chain.located { try chain.outputShape(for: input) } }
  }

  /// The values that the first branch takes that looks at values.
  override var ownInputDomain: ValueDomain {
    chains.map(\.inputDomain).first { $0 != .finite } ?? .finite
  }

  /// The layout that the first branch works on that has one.
  override var ownSequenceLayout: SequenceLayout? { chains.lazy.compactMap(\.sequenceLayout).first }
}

extension Branches: LayoutFollower, BranchingLayer {
  /// Every branch stands behind the same layers.
  func follow(_ layout: SequenceLayout?) {
    for chain in chains { chain.follow(layout) }
  }
}

/// A layer with chains beside each other, whose parts reports show below it.
package protocol BranchingLayer: Module {}

/// The options of layers with branches.
protocol BranchSpec: LayerSpec {
  /// The branches.
  var branches: BranchList { get set }
  /// Puts the branches together.
  func layer(of chains: [Sequential], names: [String]?) -> any Layer
}

extension BranchSpec {
  /// The key of the branches.
  static var branchesField: ConfigurationField<Self> {
    .init(
      "branches", \.branches, required: true,
      "lists of layers that all take the input, or a mapping of such lists; an empty one is the "
        + "identity")
  }

  /// The layers of each branch.
  package var innerLayers: [[LayerConfiguration]] { branches.chains }

  package func layer(for input: Shape) throws -> any Layer {
    layer(of: try branches.sequentials(for: input), names: branches.names)
  }
}
