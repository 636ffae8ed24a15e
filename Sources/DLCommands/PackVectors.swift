import ArgumentParser
import DLCore
import DLData
import DLJobs

/// `dltrain data pack vectors`.
struct PackVectors: PackVerb {
  static let configuration = CommandConfiguration(
    commandName: "vectors",
    abstract: "Turn vectors of words, by word2vec or GloVe, into weights to start from.",
    discussion: """
      Example: dltrain data pack vectors glove.6B.50d.txt --like polarity/train.safetensors -o vectors.safetensors

      Then dltrain train cnn-polarity --init-partial vectors.safetensors --set model.layers.0.embedding.size=50 starts \
      from them; with --set model.layers.0.embedding.frozen=true they stay.
      """)

  @Argument(help: "A text file with a word and its numbers in each line.")
  var file: String
  @Option(help: "The data set file whose words get vectors.")
  var like: String
  @Option(help: "The name of the table among the network's parameters.")
  var name = "0.weight"
  @Option(help: "Keys the vectors of words that the file lacks.")
  var seed = 1
  @Option(name: .shortAndLong, help: "The safetensors file to write.")
  var output: String

  var tensor: String { name }
  var reads: [String?] { [file, like] }

  func pack(in world: World, _ line: ProgressLine) throws -> [PackedFile] {
    var vectors = WordVectors(like: like)
    (vectors.name, vectors.seed) = (name, seed)
    vectors.notice = { world.print($0) }
    return [try vectors.pack(file, output: output)]
  }
}
