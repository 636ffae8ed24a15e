import DLTensor

/// The way in which the heads of a graph attention make one output.
public enum GraphHeads: Sendable {
  /// Side by side: `[nodes, heads · out]`.
  case concatenated
  /// Their mean: `[nodes, out]`.
  case averaged
}

/// Attention of each node over its neighbors.
///
/// With `h = x · weightᵀ` for each head, entry (i, j) of the adjacency scores
/// `leakyReLU(dst · h_i + src · h_j)`; the softmax over a row's entries, with dropout, weighs the
/// neighbors' h. The adjacency's values are not read; give it self-loops for a node to see itself.
/// Shapes: x `[nodes, in]`; `lin.weight` `[heads · out, in]`, `att_src` and `att_dst`
/// `[1, heads, out]`, bias as wide as the output. Velickovic et al. 2018, equations 1 to 6; names
/// and layouts are those of PyTorch Geometric's `GATConv`.
public final class GraphAttention: Module {
  /// The projection of the features.
  package let lin: Linear
  /// The weights of a neighbor's part of a score, `[1, heads, out]`.
  public let attSrc: Parameter
  /// The weights of the node's own part of a score, `[1, heads, out]`.
  public let attDst: Parameter
  /// The bias.
  public let bias: Parameter?
  /// The way in which the heads make one output.
  package let combination: GraphHeads
  /// The slope of the leaky ReLU below 0.
  package let slope: Double
  /// The probability to drop an attention weight in training.
  package let probability: Double

  let heads: Int
  let output: Int
  private var calls = DropoutCalls()

  /// Makes a layer from `inputFeatures` to `outputFeatures` a head.
  public init(
    inputFeatures: Int, outputFeatures output: Int, heads: Int = 1,
    combination: GraphHeads = .concatenated, slope: Double = 0.2, dropout: Double = 0,
    bias: Bool = true
  ) {
    self.heads = heads
    self.output = output
    self.combination = combination
    self.slope = slope
    probability = dropout
    lin = Linear(inputFeatures: inputFeatures, outputFeatures: heads * output, bias: false)
    lin.weight.initializer = .xavierUniform()
    // Glorot's bound over the last two axes.
    let bound = (6 / Double(max(heads + output, 1))).squareRoot()
    attSrc = Parameter([1, heads, output], initializer: .uniform(bound: bound))
    attDst = Parameter([1, heads, output], initializer: .uniform(bound: bound))
    let width = combination == .concatenated ? heads * output : output
    self.bias = bias ? Parameter([width], initializer: .zeros) : nil
  }

  /// Applies the layer.
  ///
  /// Shapes: adjacency `[nodes, nodes]`, x `[nodes, in]` to `[nodes, heads · out]`, or
  /// `[nodes, out]` where the heads are averaged.
  ///
  /// - Throws: ``TensorError`` for shapes that do not fit.
  public func callAsFunction(_ adjacency: SparseMatrix, _ x: Tensor) throws -> Tensor {
    try applied(in: x.context) { try attend(adjacency, lin(x)) }
  }

  /// Applies the layer to sparse features, `[nodes, in]` to `[nodes, heads · out]` or
  /// `[nodes, out]`.
  ///
  /// - Throws: ``TensorError`` for shapes that do not fit.
  public func callAsFunction(_ adjacency: SparseMatrix, _ x: SparseMatrix) throws -> Tensor {
    try applied(in: x.values.context) {
      try attend(adjacency, x.matmul(lin.weight.value.permute(1, 0)))
    }
  }

  private func attend(_ adjacency: SparseMatrix, _ x: Tensor) throws -> Tensor {
    let h = try x.reshape([x.shape.rank == 0 ? 0 : x.shape[0], heads, output])
    let source = try (h * attSrc.value).sum(axis: -1).indexSelect(0, adjacency.column)
    let target = try (h * attDst.value).sum(axis: -1).indexSelect(0, adjacency.row)
    let scores = try (target + source).leakyReLU(slope)
    var weights = try adjacency.with(values: scores).rowSoftmax()
    if x.context.isTraining, probability > 0 {
      weights = try weights.dropout(probability, key: calls.next(x.context, path: path))
    }
    let combined = try combine(weights.matmul(h))
    guard let bias else { return combined }
    return try combined + bias.value
  }

  private func combine(_ y: Tensor) throws -> Tensor {
    switch combination {
    case .concatenated: try y.reshape([y.shape[0], heads * output])
    case .averaged: try y.mean(axis: 1)
    }
  }
}
