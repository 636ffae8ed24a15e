import ArgumentParser
import DLCore
import DLData
import DLJobs

/// `dltrain data pack sentences`.
struct PackSentences: PackVerb {
  static let configuration = CommandConfiguration(
    commandName: "sentences", abstract: "Turn texts of known classes into data set files of words.",
    discussion: """
      Example: dltrain data pack sentences polarity/neg.txt polarity/pos.txt -o polarity

      The sources are files of a sentence a line that are named by their classes; or one folder of such files, or of \
      CLASS/FILE.txt with a file a text; or one file of lines CLASS<TAB>TEXT. With --multi-label a text has any number of \
      classes, CLASS,CLASS<TAB>TEXT, and y is 1 for those that it has, for the loss bce_with_logits. Words stand between \
      white space. Token 0 fills rows up, 1 is a word that is not in the vocabulary. With --tokenizer tokens are those \
      of Hugging Face's tokenizer.json, [CLS] and [SEP] included, filled up with [PAD].
      """)

  @Argument(help: "Files that are named by their classes, a folder, or one file of CLASS<TAB>TEXT.")
  var sources: [String]
  @Option(
    name: .shortAndLong,
    help: "The folder for train.safetensors and validation.safetensors, or one file for one part.")
  var output: String
  @OptionGroup var split: SplitOptions
  @Option(
    parsing: .upToNextOption, help: "Validate on these texts instead; sources as the others.")
  var validation: [String] = []
  @OptionGroup var words: VocabularyOptions
  @Option(
    help: ArgumentHelp(
      "Take the tokens of this tokenizer.json instead of words.", valueName: "tokenizer.json"))
  var tokenizer: String?
  @Option(
    help: "Take vocabulary, classes and length of this data set file, as for texts to test on.")
  var like: String?
  @Flag(help: "Texts have any number of classes: one file of CLASS,CLASS<TAB>TEXT.")
  var multiLabel = false

  func validate() throws {
    try split.requireNone(
      beside: [("--validation", !validation.isEmpty), ("--like", like != nil)])
    try words.requireNone(besideLike: like != nil)
    guard tokenizer == nil || words.minCount == nil && words.maxWords == nil && like == nil else {
      throw ValidationError(
        "--tokenizer: the file says what tokens are, leave out --min-count, --max-words and --like")
    }
  }

  var reads: [String?] { sources + validation + [tokenizer, like] }

  func pack(in world: World, _ line: ProgressLine) throws -> [PackedFile] {
    var packer = SentencePacker()
    packer.split = split.plan
    packer.validation = validation
    packer.length = words.length
    (packer.minimumCount, packer.maximumWords) = (words.minCount ?? 1, words.maxWords)
    (packer.tokenizer, packer.like) = (tokenizer, like)
    packer.isMultiLabel = multiLabel
    packer.notice = { world.print($0) }
    return try packer.pack(sources, output: output)
  }
}

/// The options of the words in a vocabulary, and of how many are in a row.
struct VocabularyOptions: ParsableArguments {
  @Option(help: "How often a word must occur to be in the vocabulary; once unless given.")
  var minCount: Int?
  @Option(help: "The most words in the vocabulary, the most frequent ones.")
  var maxWords: Int?
  @Option(help: "The words of a row, those beyond are cut off; as the longest has unless given.")
  var length: Int?

  /// Refuses what another file's vocabulary says.
  ///
  /// - Throws: `ValidationError` that names the options.
  func requireNone(besideLike isLike: Bool) throws {
    try SplitOptions.requireNone(
      of: [
        ("--min-count", minCount != nil), ("--max-words", maxWords != nil),
        ("--length", length != nil),
      ], besideLike: isLike)
  }
}
