import DLTensor

/// The nodes of one split of a graph, or all: x is the number of a node, y its class.
package final class GraphDataset: Dataset {
  /// The graph.
  package let graph: GraphFile
  /// The number of nodes of the split.
  package let count: Int
  /// A node is one number.
  package let inputShape: [Int] = []
  /// int32.
  package let inputType = DType.int32
  /// A class is one number.
  package let labelShape: [Int] = []
  /// int32.
  package let labelType = DType.int32
  /// The number of classes.
  package let classCount: Int?

  private let nodes: [Int]

  /// Opens all nodes.
  ///
  /// - Throws: `FormatError` for a damaged file.
  package init(path: String) throws {
    graph = try GraphFile(path: path)
    nodes = Array(0..<graph.nodeCount)
    count = nodes.count
    classCount = graph.classCount
  }

  /// Opens a split.
  ///
  /// - Throws: `FormatError` for a damaged file, and `DataError` where the split is empty.
  package init(path: String, split: GraphFile.Split) throws {
    graph = try GraphFile(path: path)
    nodes = graph.nodes(split)
    count = nodes.count
    classCount = graph.classCount
    guard count > 0 else {
      throw DataError("\(path): has no nodes to be used for \(split), mark some", exitCode: .data)
    }
  }

  /// Reads rows, in the order given.
  ///
  /// - Throws: nothing.
  package func read(
    rows: UnsafeBufferPointer<Int>, inputs: UnsafeMutableRawBufferPointer,
    labels: UnsafeMutableRawBufferPointer
  ) throws {
    let (numbers, classes) = (
      inputs.bindMemory(to: Int32.self), labels.bindMemory(to: Int32.self)
    )
    for (place, row) in rows.enumerated() {
      numbers[place] = Int32(nodes[row])
      classes[place] = graph.labels[nodes[row]]
    }
  }
}
