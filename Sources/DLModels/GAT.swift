import DLConfiguration
import DLLayers
import DLTensor

/// A graph attention network of two layers, for a class of each node.
///
/// Several heads side by side, ELU, then one head; dropout in front of each layer and of the weights.
/// Velickovic et al. 2018, section 3.3.
package struct GATOptions: ModelSpec {
  package static var name: String { "gat" }
  /// Features of a head of the first layer.
  package var hidden = 8
  /// Heads of the first layer.
  package var heads = 8
  /// The probability of dropout of features and of attention weights.
  package var dropout = 0.6
  package init() {}

  package static var fields: [ConfigurationField<Self>] {
    [
      .init("hidden", \.hidden, .layerSize, "features of a head of the first layer"),
      .init("heads", \.heads, .layerSize, "heads of the first layer"),
      .init("dropout", \.dropout, .within(0..<1), "probability of dropout"),
    ]
  }

  /// Makes the network for `[features]` of a node.
  ///
  /// - Throws: ``TensorError`` for nodes that have no single axis of features, or no classes.
  package func network(for input: Shape, classes: Int?) throws -> Module {
    let classes = try ModelRegistry.requireNodes(Self.name, input, classes)
    return GAT(features: input[0], classes: classes, self)
  }
}

/// The network of `GATOptions`.
package final class GAT: Module, GraphNetwork {
  let conv1: GraphAttention
  let conv2: GraphAttention
  private let inputDropout: Dropout
  private let hiddenDropout: Dropout

  /// The probability of dropout in front of each layer, as an option of PyTorch code.
  var dropoutProbability: TorchExpression? { inputDropout.torchProbability }

  init(features: Int, classes: Int, _ options: GATOptions) {
    conv1 = GraphAttention(
      inputFeatures: features, outputFeatures: options.hidden, heads: options.heads,
      dropout: options.dropout)
    conv2 = GraphAttention(
      inputFeatures: options.heads * options.hidden, outputFeatures: classes,
      combination: .averaged, dropout: options.dropout)
    inputDropout = Dropout(p: options.dropout)
    hiddenDropout = Dropout(p: options.dropout)
  }

  package func callAsFunction(_ adjacency: SparseMatrix, _ features: SparseMatrix) throws -> Tensor
  {
    let hidden = try conv1(adjacency, inputDropout.forward(features)).elu()
    return try conv2(adjacency, hiddenDropout.forward(hidden, firstRow: 0))
  }
}
