import DLCore
import DLData
import DLFormats
import DLTestSupport
import Testing

@Suite struct GraphTests {
  let folder = TemporaryFolder()

  private func pack(nodes: String, edges: String = "0\t1\n", words: Int? = nil) throws -> GraphFile
  {
    _ = try folder.write(nodes, to: "nodes.tsv")
    _ = try folder.write(edges, to: "edges.tsv")
    return try CoraPacker.pack(
      directory: folder.path, output: "\(folder.path)/graph.safetensors", words: words)
  }

  @Test func packsTables() throws {
    let graph = try pack(
      nodes: "# node\tclass\n0\t2\ttrain\t1 4\n1\t0\tval\t\n2\t1\ttest\t0\n3\t0\t-\t3 4\n",
      edges: "# edges\n0\t1\n3\t2\n", words: 6)
    #expect(graph.nodeCount == 4 && graph.edgeCount == 2)
    #expect(graph.featureCount == 6 && graph.classCount == 3)
    #expect(graph.featureOffsets == [0, 2, 2, 3, 5] && graph.featureIndices == [1, 4, 0, 3, 4])
    #expect(graph.edges == [0, 1, 3, 2] && graph.labels == [2, 0, 1, 0])
    #expect(graph.splits == [.train, .validation, .test, .none])
    #expect(graph.nodes(.test) == [2])
    #expect(try GraphFile.isGraph("\(folder.path)/graph.safetensors"))
  }

  @Test(arguments: [
    ("", "no nodes"), ("1\t0\ttrain\t\n", "line 1 is not: the node 0"), ("0\t0\n", "line 1 is not"),
    ("0\t-1\ttrain\t\n", "class \"-1\""), ("#\n0\t0\tother\t\n", "line 2 has the split"),
    ("0\t0\ttrain\t1 x\n", "word \"x\""), ("0\t0\ttrain\t9\n", "nodes.tsv: has the word 9"),
  ])
  func damagedNodesAreErrors(_ nodes: String, _ message: String) {
    #expect(refusal { _ = try pack(nodes: nodes, edges: "", words: 5) }.contains(message))
  }

  @Test(arguments: ["0\t2\n", "0\n", "0\t1\t1\n", "a\tb\n", "-1\t0\n"])
  func damagedEdgesAreErrors(_ edges: String) {
    let nodes = "0\t0\ttrain\t1\n1\t0\ttrain\t1\n"
    #expect(
      refusal { _ = try pack(nodes: nodes, edges: edges) }.contains("edges.tsv: line 1 is not two"))
  }

  @Test func hostileGraphFilesAreErrors() throws {
    func write(
      offsets: [Int32] = [0, 1, 2], indices: [Int32] = [0, 1], edges: [Int32] = [0, 1],
      labels: [Int32] = [0, 1], split: [UInt8] = [1, 2], classes: String = "2"
    ) throws -> GraphFile {
      let path = "\(folder.path)/hostile.safetensors"
      try SafetensorsWriter.write(
        [
          tensor("feature_offsets", .int32, [offsets.count], offsets),
          tensor("feature_indices", .int32, [indices.count], indices),
          tensor("edges", .int32, [edges.count / 2, 2], edges),
          tensor("labels", .int32, [labels.count], labels),
          tensor("split", .uint8, [split.count], split),
        ], metadata: ["classes": classes, "features": "2"], to: path)
      return try GraphFile(path: path)
    }
    #expect(try write().nodeCount == 2)
    let bad: [() throws -> GraphFile] = [
      { try write(offsets: [0, 2, 1]) }, { try write(offsets: [1, 1, 2]) },
      { try write(offsets: [0, 1]) }, { try write(offsets: [0, -1, 2]) },
      { try write(offsets: [0, 1, 3]) }, { try write(indices: [0, 2]) },
      { try write(indices: [0, -1]) }, { try write(edges: [0, 2]) }, { try write(edges: [0, -1]) },
      { try write(labels: [0, 2]) }, { try write(labels: [0, -1]) }, { try write(labels: []) },
      { try write(split: [1, 4]) }, { try write(split: [1]) }, { try write(classes: "x") },
    ]
    for graph in bad { #expect(throws: FormatError.self) { try graph() } }
  }

  @Test(.needs(.cora))
  func packsCora() throws {
    let graph = try CoraPacker.pack(
      directory: SharedData.cora.path, output: "\(folder.path)/cora.safetensors", words: 1433)
    #expect(graph.nodeCount == 2708 && graph.edgeCount == 5278 && graph.classCount == 7)
    #expect(
      GraphFile.Split.allCases.map { graph.nodes($0).count } == [1068, 140, 500, 1000])
  }
}
