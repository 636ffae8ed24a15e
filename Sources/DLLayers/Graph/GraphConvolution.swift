import DLTensor

/// A graph convolution: `y = A · (x · weight) + bias`.
///
/// A is a sparse matrix over the nodes, as `SparseMatrix.normalizedAdjacency` makes it.
/// Shapes: A `[nodes, nodes]`, x `[nodes, in]`, weight `[in, out]`, bias `[out]`, y `[nodes, out]`.
/// The weight starts uniform by Glorot and Bengio, the bias at 0. Kipf and Welling 2017, equation
/// 2; names and layouts are those of their PyTorch code.
public final class GraphConvolution: Module {
  /// The weight, `[in, out]`.
  public let weight: Parameter
  /// The bias, `[out]`.
  public let bias: Parameter?

  /// Makes a layer from `inputFeatures` to `outputFeatures` of a node.
  public init(inputFeatures: Int, outputFeatures: Int, bias: Bool = true) {
    weight = Parameter([inputFeatures, outputFeatures], initializer: .xavierUniform())
    self.bias = bias ? Parameter([outputFeatures], initializer: .zeros) : nil
  }

  /// Applies the layer to dense features.
  ///
  /// Shapes: adjacency `[nodes, nodes]`, x `[nodes, in]` to `[nodes, out]`.
  ///
  /// - Throws: ``TensorError`` for shapes that do not fit.
  public func callAsFunction(_ adjacency: SparseMatrix, _ x: Tensor) throws -> Tensor {
    try applied(in: x.context) { try propagate(adjacency, x.matmul(weight.value)) }
  }

  /// Applies the layer to sparse features, `[nodes, in]` to `[nodes, out]`.
  ///
  /// - Throws: ``TensorError`` for shapes that do not fit.
  public func callAsFunction(_ adjacency: SparseMatrix, _ x: SparseMatrix) throws -> Tensor {
    try applied(in: x.values.context) { try propagate(adjacency, x.matmul(weight.value)) }
  }

  private func propagate(_ adjacency: SparseMatrix, _ x: Tensor) throws -> Tensor {
    let y = try adjacency.matmul(x)
    guard let bias else { return y }
    return try y + bias.value
  }
}
