import DLCore
import DLFormats

/// Turns a set of labelled graphs, as the benchmarks of TU Dortmund are written, into data set files.
///
/// Morris et al. 2020, "TUDataset". A graph becomes a row of slots for its nodes, each with its kind
/// and its neighbors, all counted from 1 and filled up with 0.
package struct GraphSetPacker {
  /// The parts that the graphs are divided into.
  package var split = SplitPlan()

  /// Makes a packer with its defaults.
  package init() {}

  /// Reads `NAME_A.txt` (edges: two nodes a line, from 1, in both directions), `NAME_graph_indicator.txt`
  /// (the graph of each node, from 1), `NAME_graph_labels.txt` and, where it is there,
  /// `NAME_node_labels.txt` in a folder, and writes a file for each part.
  ///
  /// - Returns: the files with the shapes of x.
  /// - Throws: `FormatError` naming file and line.
  package func pack(_ folder: String, output: String) throws -> [PackedFile] {
    let graphs = try GraphSet(folder)
    let rows = try RowSplit(
      count: graphs.labels.count, split, labels: graphs.labels, source: folder)
    let parts = Array(rows.sets.joined())
    let place = try PackOutput(output, parts: parts.count, canBeOne: true)
    return try parts.map { part in
      let path = place.path(part.name)
      return PackedFile(path: path, shape: try graphs.write(rows.rows(of: part), to: path))
    }
  }
}

/// The graphs of a folder.
private struct GraphSet {
  /// The class of each graph.
  private(set) var labels: [Int32] = []
  private var classNames: [String] = []
  /// The kind of each node, from 1.
  private var kinds: [Int32] = []
  private var kindCount = 1
  /// The neighbors of each node, as numbers of nodes, in ascending order.
  private var neighbors: [[Int]] = []
  /// The nodes of each graph.
  private var nodes: [[Int]] = []

  init(_ folder: String) throws {
    let suffix = "_graph_indicator.txt"
    let files = try File.list(folder).filter { $0.hasSuffix(suffix) }
    guard files.count == 1 else {
      throw FormatError(
        .content, file: folder, "has \(counted(files.count, "file")) NAME\(suffix)",
        advice: "name a folder with one set of graphs")
    }
    let stem = "\(folder)/\(files[0].dropLast(suffix.count))"
    let graphLabels = try GraphSet.numbers("\(stem)_graph_labels.txt", 1).map { $0[0] }
    (labels, classNames) = GraphSet.ranked(graphLabels)
    let indicator = "\(stem)\(suffix)"
    let owners = try GraphSet.numbers(indicator, 1).map { $0[0] - 1 }
    nodes = [[Int]](repeating: [], count: labels.count)
    for (node, graph) in owners.enumerated() {
      guard nodes.indices.contains(graph) else {
        throw GraphSet.fault(indicator, node, "names the graph \(graph + 1) of \(labels.count)")
      }
      nodes[graph].append(node)
    }
    let kindFile = "\(stem)_node_labels.txt"
    kinds = [Int32](repeating: 1, count: owners.count)
    if File.exists(kindFile) {
      let (ranks, names) = GraphSet.ranked(try GraphSet.numbers(kindFile, nil).map { $0[0] })
      guard ranks.count == owners.count else {
        throw FormatError(
          .content, file: kindFile, "has \(ranks.count) lines for \(counted(owners.count, "node"))",
          advice: "give a line for each")
      }
      kinds = ranks.map { $0 + 1 }
      kindCount = names.count
    }
    try readEdges("\(stem)_A.txt", owners)
  }

  private mutating func readEdges(_ path: String, _ owners: [Int]) throws {
    var found = [Set<Int>](repeating: [], count: owners.count)
    for (line, edge) in try GraphSet.numbers(path, 2).enumerated() {
      let (a, b) = (edge[0] - 1, edge[1] - 1)
      guard owners.indices.contains(a), owners.indices.contains(b), owners[a] == owners[b] else {
        throw GraphSet.fault(path, line, "joins no two nodes of one graph")
      }
      found[a].insert(b)
      found[b].insert(a)
    }
    neighbors = found.map { $0.sorted() }
  }

  /// Writes some of the graphs, with as many slots as the largest of all has nodes.
  func write(_ rows: [Int], to path: String) throws -> [Int] {
    let slots = max(nodes.map(\.count).max() ?? 1, 1)
    let width = 1 + (neighbors.map(\.count).max() ?? 0)
    let shape = [rows.count, slots, width]
    guard slots * width <= TokenRows.mostElements / max(rows.count, 1) else {
      throw FormatError(
        .content, file: path,
        "would have \(rows.count) rows of \(slots) nodes with \(width - 1) neighbors each, as the largest graph has "
          + "and the best connected node",
        advice: "leave those out")
    }
    let y = rows.map { labels[$0] }
    try PackedFile.write(
      [
        SafetensorsTensor(name: "x", dtype: .int32, shape: shape) { sink in
          for graph in rows {
            try row(graph, slots: slots, width: width).withUnsafeBytes { try sink($0) }
          }
        },
        SafetensorsTensor(name: "y", dtype: .int32, shape: [rows.count]) { sink in
          try y.withUnsafeBytes { try sink($0) }
        },
      ],
      metadata: [
        "source": "graphs", "classes": String(classNames.count), "kinds": String(kindCount),
      ], to: path)
    return shape
  }

  /// A graph's slots: the kind of a node, and the slots of its neighbors counted from 1.
  private func row(_ graph: Int, slots: Int, width: Int) -> [Int32] {
    var row = [Int32](repeating: 0, count: slots * width)
    let slotOf = Dictionary(
      uniqueKeysWithValues: nodes[graph].enumerated().map { ($0.element, Int32($0.offset + 1)) })
    for (slot, node) in nodes[graph].enumerated() {
      row[slot * width] = kinds[node]
      for (place, neighbor) in neighbors[node].enumerated() {
        row[slot * width + 1 + place] = slotOf[neighbor] ?? 0
      }
    }
    return row
  }

  /// Numbers as their places among the distinct ones in ascending order, with those as text.
  private static func ranked(_ values: [Int]) -> ([Int32], [String]) {
    let distinct = Set(values).sorted()
    let ranks = Dictionary(uniqueKeysWithValues: zip(distinct, distinct.indices))
    return (values.map { Int32(ranks[$0] ?? 0) }, distinct.map(String.init))
  }

  /// The numbers of each line, `count` of them, or at least one.
  private static func numbers(_ path: String, _ count: Int?) throws -> [[Int]] {
    try TextFile.lines(of: path).enumerated().filter { !$0.element.isEmpty }.map { line, text in
      let cells = text.parts(at: ",").map { cell in Int(cell.filter { $0 != " " }) }
      let numbers = cells.compactMap { $0 }
      guard numbers.count == cells.count, numbers.count == count ?? max(numbers.count, 1),
        numbers.allSatisfy({ abs($0) < 1 << 30 })
      else { throw fault(path, line, "is not \(count == 2 ? "two integers" : "an integer")") }
      return numbers
    }
  }

  private static func fault(_ path: String, _ line: Int, _ what: String) -> FormatError {
    FormatError(.content, file: path, "line \(line + 1) \(what)", advice: "correct it")
  }
}
