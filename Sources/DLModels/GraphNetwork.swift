import DLConfiguration
import DLLayers
import DLTensor

/// A network over the nodes of a graph.
public protocol GraphNetwork: Module {
  /// The logits of all nodes, `[nodes, classes]`, for an adjacency `[nodes, nodes]` and sparse
  /// features `[nodes, features]`.
  ///
  /// - Throws: ``TensorError`` for shapes that do not fit.
  func callAsFunction(_ adjacency: SparseMatrix, _ features: SparseMatrix) throws -> Tensor
}

extension GCN: GraphNetwork {}

/// The options of ``GCN``.
package struct GCNOptions: ModelSpec {
  package static var name: String { "gcn" }
  /// Features of a node between the two layers.
  package var hidden = 16
  /// The probability of dropout in front of each layer.
  package var dropout = 0.5
  package init() {}

  package static var fields: [ConfigurationField<Self>] {
    [
      .init("hidden", \.hidden, .layerSize, "features of a node between the layers"),
      .init("dropout", \.dropout, .within(0..<1), "probability of dropout before each layer"),
    ]
  }

  /// Makes the network for `[features]` of a node.
  ///
  /// - Throws: ``TensorError`` for nodes that have no single axis of features, or no classes.
  package func network(for input: Shape, classes: Int?) throws -> Module {
    let classes = try ModelRegistry.requireNodes(Self.name, input, classes)
    return GCN(features: input[0], hidden: hidden, classes: classes, dropout: dropout)
  }
}
