import DLTensor

/// A layer of GraphSAGE: `y = W_l · mean of the neighbors' x + W_r · x + b`.
///
/// The adjacency's values are not read; a node is no neighbor of its own, unless it has no other.
/// Shapes: x `[nodes, in]`; `lin_l.weight` and `lin_r.weight` `[out, in]`; y `[nodes, out]`. Hamilton
/// et al. 2017, algorithm 1 with the mean; names are those of PyTorch Geometric's `SAGEConv`.
public final class GraphSAGE: Module {
  /// The projection of the neighbors' mean.
  package let linL: Linear
  /// The projection of the node itself.
  package let linR: Linear

  /// The means over the graph of the last call, which shares the adjacency's places.
  private var known: SparseMatrix?

  /// Makes a layer from `inputFeatures` to `outputFeatures` of a node.
  public init(inputFeatures: Int, outputFeatures: Int) {
    linL = Linear(inputFeatures: inputFeatures, outputFeatures: outputFeatures)
    linR = Linear(inputFeatures: inputFeatures, outputFeatures: outputFeatures, bias: false)
  }

  /// Applies the layer.
  ///
  /// Shapes: adjacency `[nodes, nodes]`, x `[nodes, in]` to `[nodes, out]`.
  ///
  /// - Throws: ``TensorError`` for shapes that do not fit.
  public func callAsFunction(_ adjacency: SparseMatrix, _ x: Tensor) throws -> Tensor {
    try applied(in: x.context) {
      try linL(means(adjacency).matmul(x)) + linR(x)
    }
  }

  /// Applies the layer to sparse features, `[nodes, in]` to `[nodes, out]`.
  ///
  /// - Throws: ``TensorError`` for shapes that do not fit.
  public func callAsFunction(_ adjacency: SparseMatrix, _ x: SparseMatrix) throws -> Tensor {
    try applied(in: x.values.context) {
      let projected = try x.matmul(linL.weight.value.permute(1, 0))
      let own = try x.matmul(linR.weight.value.permute(1, 0))
      let y = try means(adjacency).matmul(projected) + own
      return try linL.bias.map { try y + $0.value } ?? y
    }
  }

  /// The mean over each node's neighbors: a softmax of equal scores, from which the node is left out.
  ///
  /// A graph's is made once, at the first call.
  private func means(_ adjacency: SparseMatrix) throws -> SparseMatrix {
    if let known, known.column === adjacency.column { return known }
    let context = adjacency.values.context
    let (rows, columns) = try (adjacency.row.doubles, adjacency.column.doubles)
    let scores = zip(rows, columns).map { $0 == $1 ? -1e9 : 0 }
    let means = try context.withoutRecording {
      try adjacency.with(
        values: .values(
          scores, shape: adjacency.values.shape, dtype: adjacency.values.dtype, context: context)
      ).rowSoftmax()
    }
    known = means
    return means
  }
}
