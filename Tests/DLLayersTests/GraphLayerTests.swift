import DLLayers
import DLTensor
import DLTestSupport
import Testing

/// Layers over graphs against the same sums over dense matrices.
@Suite struct GraphLayerTests {
  private static let edges: [GraphEdge] = [(0, 1), (0, 2), (2, 3), (1, 3), (3, 4)]
  private static let nodes = 6

  /// Two entries in each node's row, and all of them.
  private func features(_ context: Context) throws -> (sparse: SparseMatrix, dense: Tensor) {
    let entries = (0..<Self.nodes).flatMap { node in
      [(row: node, column: node % 4, value: 0.5), (row: node, column: 4, value: Double(node) - 2)]
    }
    var dense = [Double](repeating: 0, count: Self.nodes * 5)
    for entry in entries { dense[entry.row * 5 + entry.column] += entry.value }
    return (
      try SparseMatrix(rows: Self.nodes, columns: 5, entries: entries, context: context),
      try .values(dense, shape: [Self.nodes, 5], context: context)
    )
  }

  /// `W_l · mean over neighbors + W_r · x + b`; node 5 has no neighbor and is its own.
  @Test func graphSAGEIsAMeanBesideTheNode() throws {
    let context = Context(precision: .float64)
    let layer = GraphSAGE(inputFeatures: 5, outputFeatures: 3)
    _ = try ParameterArena(layer, context: context)
    let adjacency = try SparseMatrix.normalizedAdjacency(
      nodes: Self.nodes, edges: Self.edges, context: context)
    let (sparse, dense) = try features(context)
    var means = [Double](repeating: 0, count: Self.nodes * 5)
    let x = dense.doubles
    for node in 0..<Self.nodes {
      let others = Self.edges.flatMap { $0.from == node ? [$0.to] : $0.to == node ? [$0.from] : [] }
      let neighbors = others.isEmpty ? [node] : others
      for other in neighbors {
        for column in 0..<5 {
          means[node * 5 + column] += x[other * 5 + column] / Double(neighbors.count)
        }
      }
    }
    let mean = try Tensor.values(means, shape: [Self.nodes, 5], context: context)
    let want = try (layer.linL(mean) + layer.linR(dense)).doubles
    #expect(deviation(try layer(adjacency, dense).doubles, want) < 1e-12)
    #expect(deviation(try layer(adjacency, sparse).doubles, want) < 1e-12)
  }

  /// Sparse features give what the same dense ones give.
  @Test func attentionTakesSparseFeatures() throws {
    let context = Context(precision: .float64)
    let layer = GraphAttention(inputFeatures: 5, outputFeatures: 2, heads: 3)
    _ = try ParameterArena(layer, context: context)
    let adjacency = try SparseMatrix.normalizedAdjacency(
      nodes: Self.nodes, edges: Self.edges, context: context)
    let (sparse, dense) = try features(context)
    #expect(
      deviation(try layer(adjacency, sparse).doubles, try layer(adjacency, dense).doubles) < 1e-12)
  }
}
