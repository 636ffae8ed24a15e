import DLCluster
import DLCore
import DLFormats

/// A graph whose nodes have features that are 0 or 1, classes and splits, in a safetensors file.
///
/// `feature_offsets` I32 [N + 1] and `feature_indices` I32 are the features as compressed sparse
/// rows: node i has those at offsets[i] ..< offsets[i + 1]. `edges` I32 [E, 2] are undirected, each
/// once; `labels` I32 [N]; `split` U8 [N]. Metadata: `features` and `classes`.
package struct GraphFile: Sendable, Hashable {
  /// The purposes of a node's label.
  package enum Split: UInt8, Sendable, CaseIterable {
    /// For nothing.
    case none
    /// For training.
    case train
    /// To stop early.
    case validation
    /// For the result.
    case test
  }

  /// The number of features.
  package let featureCount: Int
  /// The number of classes.
  package let classCount: Int
  /// The place where each node's features begin, and where the last one's end.
  package let featureOffsets: [Int32]
  /// The features that nodes have.
  package let featureIndices: [Int32]
  /// The edges, two nodes each.
  package let edges: [Int32]
  /// The class of each node.
  package let labels: [Int32]
  /// The use of each node's label.
  package let splits: [Split]

  /// The number of nodes.
  package var nodeCount: Int { labels.count }
  /// The number of edges, each counted once.
  package var edgeCount: Int { edges.count / 2 }

  /// The nodes of a split, in their order.
  package func nodes(_ split: Split) -> [Int] { splits.indices.filter { splits[$0] == split } }

  /// Returns whether a file holds a graph.
  ///
  /// - Throws: `FormatError` where the file cannot be read, or is no safetensors file.
  package static func isGraph(_ path: String) throws -> Bool {
    try SafetensorsFile(path: path)["feature_offsets"] != nil
  }

  /// Reads a file and checks all of it.
  ///
  /// - Throws: `FormatError`.
  package init(path: String) throws {
    let file = try SafetensorsFile(path: path)
    func fault(_ what: String) -> FormatError {
      FormatError(.content, file: path, what, advice: "make it by dltrain data pack cora")
    }
    func ints(_ name: String) throws -> [Int32] {
      guard try file.info(name).dtype == .int32 else { throw fault("\(name) is not I32") }
      return try file.bytes(name).withUnsafeBytes { Array($0.bindMemory(to: Int32.self)) }
    }
    func number(_ key: String) throws -> Int {
      guard let value = file.metadata[key].flatMap({ Int($0) }), value > 0, value < 1 << 31 else {
        throw fault("metadata: \(key) is missing or no number")
      }
      return value
    }
    featureCount = try number("features")
    classCount = try number("classes")
    featureOffsets = try ints("feature_offsets")
    featureIndices = try ints("feature_indices")
    edges = try ints("edges")
    labels = try ints("labels")
    let codes = try file.bytes("split")
    splits = codes.compactMap { Split(rawValue: $0) }
    let (nodes, features, classes) = (labels.count, featureCount, classCount)
    guard nodes > 0, featureOffsets.count == nodes + 1, codes.count == nodes,
      splits.count == nodes, try file.info("edges").shape.last == 2
    else { throw fault("its tensors do not fit \(counted(nodes, "node"))") }
    guard featureOffsets[0] == 0, Int(featureOffsets[nodes]) == featureIndices.count,
      zip(featureOffsets, featureOffsets.dropFirst()).allSatisfy({ $0 <= $1 }),
      featureIndices.allSatisfy({ (0..<features).contains(Int($0)) })
    else { throw fault("its features are no sparse rows") }
    guard edges.allSatisfy({ (0..<nodes).contains(Int($0)) }) else {
      throw fault("an edge leads to no node")
    }
    guard labels.allSatisfy({ (0..<classes).contains(Int($0)) }) else {
      throw fault("a label is outside the classes 0 to \(classes - 1)")
    }
  }
}
