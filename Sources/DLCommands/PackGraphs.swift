import ArgumentParser
import DLCore
import DLData
import DLJobs

/// `dltrain data pack graphs`.
struct PackGraphs: PackVerb {
  static let configuration = CommandConfiguration(
    commandName: "graphs", abstract: "Turn labelled graphs into data set files of a row a graph.",
    discussion: """
      Example: dltrain data pack graphs MUTAG -o mutag

      The folder holds the files of a TUDataset: NAME_A.txt (edges), NAME_graph_indicator.txt, NAME_graph_labels.txt and, \
      where nodes have kinds, NAME_node_labels.txt.
      """)

  @Argument(help: "The folder of the tables.")
  var folder: String
  @Option(
    name: .shortAndLong,
    help: "The folder for train.safetensors and validation.safetensors, or one file for one part.")
  var output: String
  @OptionGroup var split: SplitOptions

  var reads: [String?] { [folder] }

  func pack(in world: World, _ line: ProgressLine) throws -> [PackedFile] {
    var packer = GraphSetPacker()
    packer.split = split.plan
    return try packer.pack(folder, output: output)
  }
}
