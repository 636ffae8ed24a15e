import ArgumentParser
import DLCore
import DLFormats
import DLInference
import DLJobs
import DLTraining

/// `dltrain neighbors`.
struct Neighbors: Verb {
  static let configuration = CommandConfiguration(
    abstract: "List the words whose vectors lie beside those of others, by cosine.",
    discussion: """
      Example: dltrain neighbors runs/skipgram-polarity film movie

      The vectors are those of the network's first embedding. --plus and --minus add and take away vectors of \
      length 1: king --minus man --plus woman.
      """)

  @OptionGroup var trained: RunOptions
  @Argument(help: "Words; each has a list of its own.")
  var words: [String] = []
  @Option(help: "Words in a list.")
  var count = 10
  @Option(help: "A word whose vector is added to each; may be given again.")
  var plus: [String] = []
  @Option(help: "A word whose vector is taken away from each; may be given again.")
  var minus: [String] = []
  @Option(name: .shortAndLong, help: "A file for all vectors in word2vec's text format.")
  var output: String?

  func validate() throws {
    try requireBounds([("--count", count, 1...1_000_000)])
    guard !words.isEmpty || output != nil else {
      throw ValidationError("name a word, or a file for all vectors by -o")
    }
  }

  func run(in world: World) throws -> DLCore.ExitCode {
    try world.first("look words up") {
      let run = try trained.open(world)
      try OutputFile.require(output, otherThan: [run.checkpoint], run: run.folder)
      let neighbors = try WordNeighbors(run)
      for word in words {
        let found = try neighbors.nearest(to: word, plus: plus, minus: minus, count: count)
        world.print(word)
        world.print(
          Format.table(
            found.map { ["  " + $0.word, Format.significant($0.cosine, 4)] },
            columns: World.columns))
      }
      if let output {
        _ = try File.replace(output) { file in try neighbors.write { try file.write($0) } }
      }
    }
    return .success
  }
}
