import DLData
import DLLayers
import DLModels
import DLTensor

/// A graph network that learns the classes of some of the nodes.
///
/// Every rank runs the whole graph with the same masks of dropout; its rows of the batch are the
/// nodes whose loss it adds.
final class GraphTask: NetworkTask {
  /// The graph that the network runs over.
  let graph: GraphFile
  private let network: any GraphNetwork
  private let loss: any Loss
  private let features: SparseMatrix
  private let adjacency: SparseMatrix

  var model: Module { network }

  /// Takes a network over a graph, which the training data are.
  static func make(_ network: Module, _ input: TaskInput) throws -> (any TrainingTask)? {
    guard let network = network as? any GraphNetwork else { return nil }
    let configuration = input.configuration
    let path = try EmbeddedData.resolve(configuration.data.train ?? "")
    return try GraphTask(
      network, graph: GraphFile(path: path), loss: configuration.loss.loss, context: input.context)
  }

  init(_ network: any GraphNetwork, graph: GraphFile, loss: any Loss, context: Context) throws {
    self.graph = graph
    self.network = network
    self.loss = loss
    let edges = (0..<graph.edgeCount).map { edge in
      (from: Int(graph.edges[2 * edge]), to: Int(graph.edges[2 * edge + 1]))
    }
    adjacency = try .normalizedAdjacency(nodes: graph.nodeCount, edges: edges, context: context)
    features = try SparseMatrix(
      rows: graph.nodeCount, columns: graph.featureCount, entries: GraphTask.rowNormalized(graph),
      context: context)
  }

  /// Each node's features, 1 over their number, as Kipf and Welling prepare them.
  private static func rowNormalized(_ graph: GraphFile) -> [SparseMatrix.Entry] {
    (0..<graph.nodeCount).flatMap { node in
      let range = Int(graph.featureOffsets[node])..<Int(graph.featureOffsets[node + 1])
      return range.map {
        (row: node, column: Int(graph.featureIndices[$0]), value: 1 / Double(range.count))
      }
    }
  }

  func denominator(_ batch: Batch, phase: Int) throws -> Double { try loss.denominator(batch.y) }

  func lossSum(_ batch: Batch, phase: Int) throws -> Tensor {
    try loss.sum(outputs(batch), batch.y)
  }

  func evaluate(_ batch: Batch, into totals: inout ValidationTotals) throws {
    try totals.add(outputs(batch), batch, loss)
  }

  func predictions(_ batch: Batch) throws -> Predictions {
    try loss.predictions(outputs(batch))
  }

  private func outputs(_ batch: Batch) throws -> Tensor {
    try network(adjacency, features).indexSelect(0, batch.x)
  }
}
