import ArgumentParser
import DLCluster
import DLCore
import DLData
import DLJobs
import DLTraining

/// `dltrain data pack cora`.
struct PackCora: PackVerb {
  static let configuration = CommandConfiguration(
    commandName: "cora", abstract: "Turn the tables of a citation graph into a graph file.",
    discussion: """
      Example: dltrain data pack cora cora --features 1433 -o cora.safetensors

      The folder holds nodes.tsv (node, class, split, words that occur) and edges.tsv (two nodes, undirected, once). \
      --split parts the nodes anew, whatever the table says.
      """)

  @Argument(help: "The folder of the two tables.")
  var folder: String
  @Option(name: .shortAndLong, help: "The graph file.")
  var output: String
  @Option(help: "The number of words; one more than the largest unless given.")
  var features: Int?
  @OptionGroup var split: SplitOptions

  var reads: [String?] { ["\(folder)/nodes.tsv", "\(folder)/edges.tsv"] }

  func pack(in world: World, _ line: ProgressLine) throws -> [PackedFile] {
    let graph = try CoraPacker.pack(
      directory: folder, output: output, words: features, split: split.asked)
    world.print(
      "\(output): \(counted(graph.nodeCount, "node")), "
        + counted(graph.edgeCount, "edge"))
    return []
  }
}
