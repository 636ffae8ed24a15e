import DLCore
import DLData
import DLFormats
import DLTestSupport
import Testing

/// Labelled graphs, as the files of a TUDataset.
@Suite struct GraphSetPackTests {
  let folder = TemporaryFolder()

  /// A triangle, a lonely node and a pair; classes -1 and 1, kinds 0 and 4.
  private func write(_ changes: [String: String] = [:]) throws -> String {
    let files = [
      "A": "1, 2\n2, 1\n2, 3\n3, 2\n3, 1\n1, 3\n5, 6\n6, 5\n",
      "graph_indicator": "1\n1\n1\n2\n3\n3\n",
      "graph_labels": "1\n-1\n-1\n", "node_labels": "0\n4\n0\n0\n4\n4\n",
    ].merging(changes) { $1 }
    for (name, text) in files { _ = try folder.write(text, to: "T_\(name).txt") }
    return folder.path
  }

  private func packed() throws -> SafetensorsFile {
    var packer = GraphSetPacker()
    packer.split = .whole
    let files = try packer.pack(write(), output: "\(folder.path)/all.safetensors")
    #expect(files.map(\.shape) == [[3, 3, 3]])
    return try SafetensorsFile(path: files[0].path)
  }

  @Test func nodesHaveTheirKindAndNeighbors() throws {
    let file = try packed()
    let x = values(try file.bytes("x"), as: Int32.self)
    #expect(
      x == [
        1, 2, 3, 2, 1, 3, 1, 1, 2,
        1, 0, 0, 0, 0, 0, 0, 0, 0,
        2, 2, 0, 2, 1, 0, 0, 0, 0,
      ])
    #expect(values(try file.bytes("y"), as: Int32.self) == [1, 0, 0])
    #expect(file.metadata["classes"] == "2" && file.metadata["kinds"] == "2")
  }

  /// A star of 4,000 nodes, and 200 graphs of one, which would have as many slots.
  @Test func oneLargeGraphAmongManyIsRefused() throws {
    let star = (2...4000).map { "1, \($0)\n" }.joined()
    let owners = String(repeating: "1\n", count: 4000) + (2...201).map { "\($0)\n" }.joined()
    let path = try write([
      "A": star, "graph_indicator": owners,
      "graph_labels": String(repeating: "1\n", count: 201),
      "node_labels": String(repeating: "0\n", count: 4200),
    ])
    var packer = GraphSetPacker()
    packer.split = .whole
    let found = refusal { _ = try packer.pack(path, output: folder.path + "/all.safetensors") }
    #expect(found.contains("201 rows of 4000 nodes with 3999 neighbors each"), "\(found)")
  }

  @Test func partsHaveEachGraphOnce() throws {
    var packer = GraphSetPacker()
    packer.split = .training(0.67)
    let files = try packer.pack(write(), output: folder.path + "/parts")
    #expect(files.map(\.shape) == [[2, 3, 3], [1, 3, 3]])
    #expect(files[1].path.hasSuffix("/parts/validation.safetensors"))
  }

  @Test(arguments: [
    ("A", "1, 4\n", "T_A.txt: line 1 joins no two nodes of one graph"),
    ("A", "1\n", "T_A.txt: line 1 is not two integers"),
    ("graph_indicator", "1\n1\n1\n2\n9\n3\n", "line 5 names the graph 9 of 3"),
    ("node_labels", "0\n", "has 1 lines for 6 nodes"),
    ("graph_labels", "x\n", "line 1 is not an integer"),
  ])
  func faultsAreNamed(_ file: String, _ text: String, _ expected: String) throws {
    let path = try write([file: text])
    let found = refusal { _ = try GraphSetPacker().pack(path, output: folder.path + "/out") }
    #expect(found.contains(expected), "\(found)")
  }
}
