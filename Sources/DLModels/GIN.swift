import DLConfiguration
import DLLayers
import DLTensor

/// A graph isomorphism network, for a class of each graph.
///
/// Sums over neighbors and over nodes, which tell graphs apart as well as the Weisfeiler-Lehman test
/// does. Xu et al. 2019, "How Powerful are Graph Neural Networks?".
package struct GINOptions: ModelSpec {
  package static var name: String { "gin" }
  /// Kinds of nodes.
  package var kinds = 1
  /// Layers.
  package var layers = 4
  /// Features of a node behind each layer.
  package var hidden = 32
  /// The probability of dropout in front of the outputs.
  package var dropout = 0.0
  package init() {}

  package static var fields: [ConfigurationField<Self>] {
    [
      .init("kinds", \.kinds, .layerSize, "kinds of nodes"),
      .init("layers", \.layers, .within(1...64), "layers of sums over neighbors"),
      .init("hidden", \.hidden, .layerSize, "features of a node behind each layer"),
      .init("dropout", \.dropout, .within(0..<1), "probability of dropout before the outputs"),
    ]
  }

  /// Makes the network for graphs of `[slots, 1 + neighbors]`.
  ///
  /// - Throws: ``TensorError`` for rows that are no graphs, or have no classes.
  package func network(for input: Shape, classes: Int?) throws -> Module {
    guard input.rank == 2, let classes else {
      throw TensorError(
        op: Self.name,
        "input has shape \(input), expected graphs of [slots, 1 + neighbors] with classes; pack "
          + "them by dltrain data pack graphs")
    }
    return GIN(slots: input[0], classes: classes, self)
  }
}

/// The network of `GINOptions`: graphs `[batch, slots, 1 + neighbors]`, as a ``GraphBatch`` has them,
/// to logits `[batch, classes]`.
///
/// From one feature for each kind, layer k makes
///
///     h_k = relu(norm(mlp((1 + eps) · h_{k-1} + Σ neighbors' h_{k-1})))
///
/// and the logits are `Σ_k W_k · Σ nodes' h_k + b_k`, h_0 included: equations 4.1 and 4.2, with the
/// readout of the authors' code.
package final class GIN: Module, Layer {
  let layers: [GINLayer]
  let heads: [Linear]
  let dropout: Dropout
  let kinds: Int
  let slots: Int

  init(slots: Int, classes: Int, _ options: GINOptions) {
    self.slots = slots
    kinds = options.kinds
    let widths = [options.kinds] + [Int](repeating: options.hidden, count: options.layers)
    layers = zip(widths, widths.dropFirst()).map {
      GINLayer(inputFeatures: $0, outputFeatures: $1, nodes: slots)
    }
    heads = widths.map { Linear(inputFeatures: $0, outputFeatures: classes) }
    dropout = Dropout(p: options.dropout)
  }

  package func forward(_ x: Tensor) throws -> Tensor {
    let graphs = try GraphBatch(x)
    var states = try graphs.kinds.oneHot(classes: kinds)
    var logits = try output(0, states, graphs)
    for (index, layer) in layers.enumerated() {
      states = try layer(graphs.adjacency, states)
      logits = try logits + output(index + 1, states, graphs)
    }
    return logits
  }

  private func output(_ index: Int, _ states: Tensor, _ graphs: GraphBatch) throws -> Tensor {
    try dropout(heads[index](graphs.membership.matmul(states)))
  }

  /// Kinds, and slots of neighbors.
  package var inputDomain: ValueDomain { .indices(count: max(slots, kinds) + 1) }

  package func outputShape(for input: Shape) throws -> Shape { [heads[0].weight.shape[0]] }
}

/// A layer of a ``GIN``.
package final class GINLayer: Module {
  let mlp: Sequential
  let norm: BatchNorm
  let eps = Parameter([1], initializer: .constant(0))

  /// Makes a layer for graphs of up to so many nodes, which are what the norms count.
  init(inputFeatures: Int, outputFeatures: Int, nodes: Int) {
    norm = BatchNorm(features: outputFeatures)
    let inner = BatchNorm(features: outputFeatures)
    (norm.valuesPerRow, inner.valuesPerRow) = (nodes, nodes)
    mlp = Sequential(
      Linear(inputFeatures: inputFeatures, outputFeatures: outputFeatures, bias: false),
      inner, ReLU(),
      Linear(inputFeatures: outputFeatures, outputFeatures: outputFeatures, bias: false))
  }

  func callAsFunction(_ adjacency: SparseMatrix, _ x: Tensor) throws -> Tensor {
    try located {
      try norm(mlp(x * (eps.value + 1) + adjacency.matmul(x))).relu()
    }
  }
}
