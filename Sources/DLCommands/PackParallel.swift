import ArgumentParser
import DLCluster
import DLCore
import DLData
import DLJobs
import DLTraining

/// `dltrain data pack parallel`.
struct PackParallel: PackVerb {
  static let configuration = CommandConfiguration(
    commandName: "parallel",
    abstract: "Turn texts and their translations into data set files of byte pairs.",
    discussion: """
      Example: dltrain data pack parallel train.de train.en val.de val.en -o multi30k

      Each pair of files makes one data set file, named by the first: train.safetensors, val.safetensors. The pieces of \
      words, shared by both languages, are learned on the first pair. One pair alone is parted by --split or --folds, and \
      the pieces are those of its part to train on.
      """)

  @Argument(help: "Pairs of UTF-8 files: source, target, source, target, ...")
  var files: [String]
  @Option(name: .shortAndLong, help: "The folder for the data set files.")
  var output: String
  @Option(help: "The number of pieces to learn; 8000 unless given.")
  var vocabulary: Int?
  @OptionGroup var split: SplitOptions
  @Option(
    name: [.customLong("like"), .customLong("tokenizer")],
    help: ArgumentHelp(
      "Take the pieces of this data set file, or of a tokenizer.json, instead.", valueName: "file"))
  var tokenizer: String?

  func validate() throws {
    guard !files.isEmpty, files.count % 2 == 0 else {
      throw ValidationError("\(files.count) files are no pairs, give SOURCE TARGET ...")
    }
    try SplitOptions.requireNone(
      of: [("--vocabulary", vocabulary != nil)], besideLike: tokenizer != nil,
      like: "--like or --tokenizer")
  }

  var reads: [String?] { files + [tokenizer] }

  func pack(in world: World, _ line: ProgressLine) throws -> [PackedFile] {
    var packer = ParallelPacker()
    if let vocabulary { packer.vocabulary = vocabulary }
    (packer.tokenizer, packer.split) = (tokenizer, split.asked)
    packer.notice = { world.print($0) }
    let pairs = stride(from: 0, to: files.count, by: 2).map {
      ParallelPacker.Pair(source: files[$0], target: files[$0 + 1])
    }
    return try packer.pack(pairs, output: output)
  }
}
