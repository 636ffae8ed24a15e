import DLCore

/// A matrix most of whose elements are 0, in compressed rows (CSR).
///
/// Row i holds the entries `rowStart[i] ..< rowStart[i + 1]`; entry e stands in column `column[e]`,
/// columns in increasing order, and has the value `values[e]`. The values are a tensor, through
/// which gradients flow where it requires them.
public final class SparseMatrix {
  /// The number of rows.
  public let rows: Int
  /// The number of columns.
  public let columns: Int
  /// The place where each row's entries start, and behind the last one the number of entries;
  /// int32.
  package let rowStart: Tensor
  /// The column of each entry; int32.
  package let column: Tensor
  /// The value of each entry, or one for each head: `[entries]` or `[entries, heads]`.
  public let values: Tensor

  init(rows: Int, columns: Int, rowStart: Tensor, column: Tensor, values: Tensor) {
    self.rows = rows
    self.columns = columns
    self.rowStart = rowStart
    self.column = column
    self.values = values
  }

  /// One element that is not 0.
  public typealias Entry = (row: Int, column: Int, value: Double)

  /// Makes a matrix `[rows, columns]` of its entries, in any order; several of one place are added.
  ///
  /// - Throws: ``TensorError`` for an entry outside the matrix.
  public convenience init(rows: Int, columns: Int, entries: [Entry], context: Context) throws {
    guard (0...Int(Int32.max)).contains(rows), (0...Int(Int32.max)).contains(columns) else {
      throw TensorError(op: "sparse", "\(counted(rows, "row")) and \(counted(columns, "column"))")
    }
    for entry in entries {
      guard (0..<rows).contains(entry.row), (0..<columns).contains(entry.column) else {
        throw TensorError(
          op: "sparse", "entry [\(entry.row), \(entry.column)] is outside [\(rows), \(columns)]",
          exitCode: .data)
      }
    }
    // Equal places keep the order of the list, so that their sum has a fixed one.
    let sorted = entries.enumerated().sorted {
      ($0.element.row, $0.element.column, $0.offset)
        < ($1.element.row, $1.element.column, $1.offset)
    }
    var (column, values): ([Int32], [Double]) = ([], [])
    var rowStart = [Int32](repeating: 0, count: rows + 1)
    var place = (row: -1, column: -1)
    for (_, entry) in sorted {
      if place == (entry.row, entry.column) {
        values[values.count - 1] += entry.value
      } else {
        place = (entry.row, entry.column)
        column.append(Int32(entry.column))
        values.append(entry.value)
        rowStart[entry.row + 1] += 1
      }
    }
    for row in 0..<rows { rowStart[row + 1] += rowStart[row] }
    try self.init(
      rows: rows, columns: columns,
      rowStart: .labels(rowStart, context: context), column: .labels(column, context: context),
      values: .values(values, shape: [values.count], context: context))
  }

  /// The number of entries.
  package var entryCount: Int { column.count }

  /// The row of each entry; int32.
  package var row: Tensor {
    get throws {
      let result = try Tensor.empty([entryCount], dtype: .int32, context: values.context)
      let target = result.pointer.assumingMemoryBound(to: Int32.self)
      let starts = rowStart.int32s
      for row in 0..<rows {
        for entry in Int(starts[row])..<Int(starts[row + 1]) { target[entry] = Int32(row) }
      }
      return result
    }
  }

  /// The same places with other values.
  ///
  /// - Throws: ``TensorError`` unless there is one value for each entry, or one for each entry and
  ///   head.
  package func with(values: Tensor) throws -> SparseMatrix {
    try values.requireReal(op: "sparse")
    guard (1...2).contains(values.shape.rank), values.shape[0] == entryCount else {
      throw TensorError(
        op: "sparse", "\(counted(entryCount, "entry", "entries")), values of shape \(values.shape)")
    }
    return SparseMatrix(
      rows: rows, columns: columns, rowStart: rowStart, column: column, values: values)
  }

  /// Zeroes entries with probability `p` and scales the others by `1 / (1 - p)`.
  ///
  /// The mask is a function of the key and the entry's number alone, so that all ranks that hold
  /// the whole matrix draw the same.
  ///
  /// - Throws: ``TensorError`` unless `p` is at least 0 and below 1, or where there is no memory.
  package func dropout(_ p: Double, key: RandomKey) throws -> SparseMatrix {
    try with(values: values.dropout(p, key: key, firstRow: 0))
  }
}

/// An edge of a graph, between two nodes counted from 0.
public typealias GraphEdge = (from: Int, to: Int)

extension SparseMatrix {
  /// The adjacency of a graph: 1 where an edge joins two nodes, however often it is named, and
  /// with `selfLoops` on the diagonal.
  ///
  /// Shapes: `[nodes, nodes]`.
  ///
  /// An edge counts in both directions unless `isDirected`; then row `to` has an entry in column
  /// `from`.
  ///
  /// - Throws: ``TensorError`` for an edge whose nodes are not there.
  public static func adjacency(
    nodes: Int, edges: [GraphEdge], selfLoops: Bool = false, isDirected: Bool = false,
    context: Context
  ) throws -> SparseMatrix {
    try SparseMatrix(
      rows: nodes, columns: nodes, entries: places(nodes, edges, selfLoops, isDirected),
      context: context)
  }

  /// `D^(-1/2) · (A + I) · D^(-1/2)`, D being the diagonal of the row sums of A + I.
  ///
  /// Shapes: `[nodes, nodes]`.
  ///
  /// A is ``adjacency(nodes:edges:selfLoops:isDirected:context:)`` of the undirected graph; an edge
  /// from a node to itself counts as part of I. Kipf and Welling 2017, equation 2.
  ///
  /// - Throws: ``TensorError`` for an edge whose nodes are not there.
  public static func normalizedAdjacency(nodes: Int, edges: [GraphEdge], context: Context) throws
    -> SparseMatrix
  {
    let places = try places(nodes, edges, true, false)
    var degrees = [Double](repeating: 0, count: Swift.max(nodes, 0))
    for place in places { degrees[place.row] += 1 }
    return try SparseMatrix(
      rows: nodes, columns: nodes,
      entries: places.map {
        ($0.row, $0.column, 1 / (degrees[$0.row] * degrees[$0.column]).squareRoot())
      },
      context: context)
  }

  private static func places(
    _ nodes: Int, _ edges: [GraphEdge], _ selfLoops: Bool, _ isDirected: Bool
  ) throws -> [Entry] {
    var found = Set<[Int]>()
    for edge in edges {
      guard (0..<Swift.max(nodes, 0)).contains(edge.from), (0..<nodes).contains(edge.to) else {
        throw TensorError(
          op: "graph", "edge \(edge.from) to \(edge.to) in a graph of \(counted(nodes, "node"))",
          exitCode: .data)
      }
      found.insert([edge.to, edge.from])
      if !isDirected { found.insert([edge.from, edge.to]) }
    }
    if selfLoops { for node in 0..<Swift.max(nodes, 0) { found.insert([node, node]) } }
    return found.map { ($0[0], $0[1], 1) }
  }
}
