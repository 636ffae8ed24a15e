import DLConfiguration
import DLLayers
import DLTensor

/// A GraphSAGE network of two layers with means, for a class of each node.
///
/// Hamilton et al. 2017, "Inductive Representation Learning on Large Graphs".
package struct GraphSAGEOptions: ModelSpec {
  package static var name: String { "graphsage" }
  /// Features of a node between the two layers.
  package var hidden = 64
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
    return GraphSAGENetwork(features: input[0], classes: classes, self)
  }
}

/// The network of `GraphSAGEOptions`.
package final class GraphSAGENetwork: Module, GraphNetwork {
  let conv1: GraphSAGE
  let conv2: GraphSAGE
  private let inputDropout: Dropout
  private let hiddenDropout: Dropout

  /// The probability of dropout in front of each layer, as an option of PyTorch code.
  var dropoutProbability: TorchExpression? { inputDropout.torchProbability }

  init(features: Int, classes: Int, _ options: GraphSAGEOptions) {
    conv1 = GraphSAGE(inputFeatures: features, outputFeatures: options.hidden)
    conv2 = GraphSAGE(inputFeatures: options.hidden, outputFeatures: classes)
    inputDropout = Dropout(p: options.dropout)
    hiddenDropout = Dropout(p: options.dropout)
  }

  package func callAsFunction(_ adjacency: SparseMatrix, _ features: SparseMatrix) throws -> Tensor
  {
    let hidden = try conv1(adjacency, inputDropout.forward(features)).relu()
    return try conv2(adjacency, hiddenDropout.forward(hidden, firstRow: 0))
  }
}
