import ArgumentParser
import DLCluster
import DLCore
import DLData
import DLInference
import DLJobs
import DLTraining

/// `dltrain data pack text`.
struct PackText: PackVerb {
  static let configuration = CommandConfiguration(
    commandName: "text",
    abstract: "Turn a text into two data set files of characters, or of words.",
    discussion: "Example: dltrain data pack text tinyshakespeare/input.txt -o shakespeare")

  @Argument(help: "A UTF-8 text file.")
  var file: String
  @Option(name: .shortAndLong, help: "The folder for train.safetensors and validation.safetensors.")
  var output: String
  @Option(
    name: [.long, .customLong("train-fraction")],
    help: ArgumentHelp(
      "The shares of the text, from its beginning on, as 0.9 or 0.8,0.1,0.1.", valueName: "shares"))
  var split: SplitShares?

  @Flag(help: "Make a token of each word between white space, not of each character.")
  var words = false
  @Option(help: "How often a word must occur in the training part to have a token of its own.")
  var minCount: Int?
  @Option(help: "The most words with a token of their own, the most frequent ones.")
  var maxWords: Int?

  @Option(
    name: [.customLong("like"), .customLong("tokenizer")],
    help: ArgumentHelp(
      "Take the tokens of this data set file, as for a text to evaluate on, or of a tokenizer.json.",
      valueName: "file"))
  var like: String?

  func validate() throws {
    guard words || minCount == nil && maxWords == nil else {
      throw ValidationError("--min-count and --max-words are for words: add --words")
    }
    guard !words || like == nil else {
      throw ValidationError("--like: the file says what tokens are, leave out --words")
    }
  }

  var tensor: String { "tokens" }
  var reads: [String?] { [file, like] }

  func pack(in world: World, _ line: ProgressLine) throws -> [PackedFile] {
    let plan = split.map { SplitPlan(shares: $0.shares) } ?? SplitPlan()
    var cut = WordCut()
    (cut.minimumCount, cut.maximumWords) = (minCount ?? 1, maxWords)
    return try TextPacker.pack(
      file, output: output, split: plan, like: like, words: words ? cut : nil)
  }
}
