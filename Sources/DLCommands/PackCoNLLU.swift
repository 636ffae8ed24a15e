import ArgumentParser
import DLCore
import DLData
import DLFormats
import DLJobs

/// `dltrain data pack conllu`.
struct PackCoNLLU: PackVerb {
  static let configuration = CommandConfiguration(
    commandName: "conllu", abstract: "Turn tagged sentences (CoNLL-U) into data set files.",
    discussion: """
      Example: dltrain data pack conllu train.conllu --validation dev.conllu --test test.conllu -o partut

      The inputs are words, the labels their universal parts of speech, or what --tag names. Rows are filled up with \
      word 0 and label -100: the loss is cross_entropy with ignore_index: -100. Word 1 stands for those that are not in \
      the vocabulary of the training file. One file alone is parted by --split or --folds.
      """)

  @Argument(help: "The file to train on.")
  var train: String
  @Option(help: "The file to validate on.")
  var validation: String?
  @Option(help: "The file to test on.")
  var test: String?
  @Option(
    name: .shortAndLong,
    help: "The folder for train.safetensors, validation.safetensors, test.safetensors, or one file."
  )
  var output: String
  @Option(help: "The column that is the tag: upos, xpos or deprel.")
  var tag = CoNLLUFile.Column.upos
  @OptionGroup var split: SplitOptions
  @OptionGroup var words: VocabularyOptions
  @Option(
    help: "Take vocabulary, tags and length of this data set file, as for sentences to test on.")
  var like: String?

  func validate() throws { try words.requireNone(besideLike: like != nil) }

  var reads: [String?] { [train, validation, test, like] }

  func pack(in world: World, _ line: ProgressLine) throws -> [PackedFile] {
    var packer = TaggedPacker()
    (packer.column, packer.split) = (tag, split.asked)
    packer.length = words.length
    (packer.minimumCount, packer.maximumWords) = (words.minCount ?? 1, words.maxWords)
    packer.like = like
    packer.notice = { world.print($0) }
    let parts = [
      (like == nil ? "train" : "sentences", train), ("validation", validation), ("test", test),
    ].compactMap { name, path in path.map { (name: name, path: $0) } }
    return try packer.pack(parts, output: output)
  }
}

extension CoNLLUFile.Column: ExpressibleByArgument {}
