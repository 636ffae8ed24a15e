/// Several graphs side by side as one, whose adjacency is block-diagonal.
///
/// A graph is a row of slots for nodes, each with a kind and the places of its neighbors:
///
///     x[graph, slot, 0]     the kind of the node, from 1; 0 for no node
///     x[graph, slot, 1...]  the slots of its neighbors, from 1; 0 for none
///
/// Nodes are numbered in the order of graphs and slots. Counterpart: PyTorch Geometric's `Batch`.
package struct GraphBatch {
  /// The kind of each node, from 0; int32 `[nodes]`.
  package let kinds: Tensor
  /// 1 where a node has another for its neighbor, `[nodes, nodes]`.
  package let adjacency: SparseMatrix
  /// 1 where a node belongs to a graph, `[graphs, nodes]`.
  package let membership: SparseMatrix

  /// Takes int32 `[graphs, slots, 1 + neighbors]`.
  ///
  /// - Throws: ``TensorError`` for other shapes, and for a neighbor that is not there.
  package init(_ x: Tensor) throws {
    guard x.dtype == .int32, x.shape.rank == 3, x.shape[2] > 0 else {
      throw TensorError(
        op: "graphs",
        "input is \(x.dtype) \(x.shape), expected int32 [graphs, slots, 1 + neighbors]")
    }
    let (graphs, slots, width) = (x.shape[0], x.shape[1], x.shape[2])
    let source = x.int32s
    var (kinds, columns): ([Int32], [Int32]) = ([], [])
    var starts: [Int32] = [0]
    var graphStarts: [Int32] = [0]
    var numbers = [Int32](repeating: -1, count: slots)
    for graph in 0..<graphs {
      let rows = source + graph * slots * width
      for slot in 0..<slots {
        let kind = rows[slot * width]
        numbers[slot] = kind > 0 ? Int32(kinds.count) : -1
        if kind > 0 { kinds.append(kind - 1) }
      }
      for slot in 0..<slots where numbers[slot] >= 0 {
        let first = columns.count
        for place in 1..<max(width, 1) {
          let neighbor = Int(rows[slot * width + place])
          guard neighbor != 0 else { continue }
          guard (1...slots).contains(neighbor), numbers[neighbor - 1] >= 0 else {
            throw TensorError(
              op: "graphs",
              "graph \(graph): node \(slot + 1) has the neighbor \(neighbor), which is no node",
              exitCode: .data)
          }
          columns.append(numbers[neighbor - 1])
        }
        columns[first...].sort()
        starts.append(Int32(columns.count))
      }
      graphStarts.append(Int32(kinds.count))
    }
    let context = x.context
    let nodes = kinds.count
    func ones(_ rows: Int, _ starts: [Int32], _ columns: [Int32]) throws -> SparseMatrix {
      SparseMatrix(
        rows: rows, columns: nodes, rowStart: try .labels(starts, context: context),
        column: try .labels(columns, context: context),
        values: try .full([columns.count], 1, context: context))
    }
    self.kinds = try .labels(kinds, context: context)
    adjacency = try ones(nodes, starts, columns)
    membership = try ones(graphs, graphStarts, (0..<nodes).map { Int32($0) })
  }
}
