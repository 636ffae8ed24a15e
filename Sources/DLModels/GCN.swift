import DLLayers
import DLTensor

/// A graph convolutional network of two layers, for a class of each node.
///
/// `A · dropout(relu(A · dropout(x) · W1 + b1)) · W2 + b2`, A being the normalized adjacency; the
/// softmax is the loss's. Every rank runs the whole graph with the same masks. Kipf and Welling
/// 2017, equation 9 and section 5.2; parameters are named as in their PyTorch code.
package final class GCN: Module {
  /// The first layer.
  package let gc1: GraphConvolution
  /// The second layer.
  package let gc2: GraphConvolution

  private let inputDropout: Dropout
  private let hiddenDropout: Dropout

  /// The probability of dropout in front of each layer, as an option of PyTorch code.
  var dropoutProbability: TorchExpression? { inputDropout.torchProbability }

  /// Makes a network from `features` of a node to `classes`.
  package init(features: Int, hidden: Int = 16, classes: Int, dropout: Double = 0.5) {
    gc1 = GraphConvolution(inputFeatures: features, outputFeatures: hidden)
    gc2 = GraphConvolution(inputFeatures: hidden, outputFeatures: classes)
    inputDropout = Dropout(p: dropout)
    hiddenDropout = Dropout(p: dropout)
  }

  /// The logits `[nodes, classes]` for sparse features, of whose entries dropout takes some.
  ///
  /// - Throws: ``TensorError`` for shapes that do not fit.
  package func callAsFunction(_ adjacency: SparseMatrix, _ x: SparseMatrix) throws -> Tensor {
    try classify(adjacency, gc1(adjacency, inputDropout.forward(x)))
  }

  /// The logits `[nodes, classes]` for dense features.
  ///
  /// - Throws: ``TensorError`` for shapes that do not fit.
  package func callAsFunction(_ adjacency: SparseMatrix, _ x: Tensor) throws -> Tensor {
    try classify(adjacency, gc1(adjacency, inputDropout.forward(x, firstRow: 0)))
  }

  private func classify(_ adjacency: SparseMatrix, _ x: Tensor) throws -> Tensor {
    try gc2(adjacency, hiddenDropout.forward(x.relu(), firstRow: 0))
  }
}
