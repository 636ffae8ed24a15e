import ArgumentParser
import DLCluster
import DLCore
import DLData
import DLJobs
import DLReports
import DLTraining

/// `dltrain data`.
struct DataCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "data", abstract: "Make and look at data set files.",
    discussion: "Example: dltrain data pack mnist mnist-idx -o mnist",
    subcommands: [Pack.self, Describe.self, DataSheet.self])
}

/// `dltrain data pack`.
struct Pack: ParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Turn other formats into data set files.",
    subcommands: [
      PackMNIST.self, PackImages.self, PackText.self, PackParallel.self, PackCora.self,
      PackGraphs.self, PackSentences.self, PackCoNLLU.self, PackCSV.self, PackAudio.self,
      PackStrewn.self, PackSubset.self,
      PackVectors.self, PackNPY.self, PackNPZ.self, PackTar.self,
    ])
}

/// A command that makes data set files of other files.
protocol PackVerb: Verb {
  /// The files that it reads, the first of which names it in messages.
  var reads: [String?] { get }
  /// The tensor whose shape is told of each file: x unless it is another.
  var tensor: String { get }
  /// Does the work, on the first process.
  ///
  /// - Parameter line: shows how far it is; gone before the files are told.
  /// - Returns: the files to tell of.
  /// - Throws: what `World.main` prints.
  func pack(in world: World, _ line: ProgressLine) throws -> [PackedFile]
}

extension PackVerb {
  var tensor: String { "x" }

  /// Packs on the first process, never over a file that it reads, and tells of each file that it made.
  func run(in world: World) throws -> DLCore.ExitCode {
    let reads = reads.compactMap(\.self)
    try world.first("pack \(reads.first ?? "")") {
      let line = ProgressLine(world)
      defer { line.clear() }
      let files = try PackedFile.keeping(reads) { try pack(in: world, line) }
      line.clear()
      for file in files {
        world.print(
          "\(file.path): \(tensor) \(file.shape)" + (file.note.map { "; \($0)" } ?? ""))
      }
    }
    return .success
  }
}

/// `dltrain data pack mnist`.
struct PackMNIST: PackVerb {
  static let configuration = CommandConfiguration(
    commandName: "mnist",
    abstract: "Turn the four IDX files of MNIST, plain or .gz, into two data set files.",
    discussion: """
      Example: dltrain data pack mnist mnist-idx -o mnist

      --split 0.9 or --folds parts the images to train on; those to test on stay as they are.
      """)

  @Argument(help: "The folder of the IDX files.")
  var folder: String
  @Option(name: .shortAndLong, help: "The folder for train.safetensors and test.safetensors.")
  var output: String
  @OptionGroup var split: SplitOptions

  var reads: [String?] { [folder] }

  func pack(in world: World, _ line: ProgressLine) throws -> [PackedFile] {
    try MNISTPacker.packMNIST(directory: folder, output: output, split: split.asked)
  }
}

/// `dltrain data describe`.
struct Describe: Verb {
  static let configuration = CommandConfiguration(
    abstract: "Show shape, classes, and the mean and deviation of each channel.",
    discussion: "Example: dltrain data describe mnist/train.safetensors")

  @Argument(help: "A data set file.")
  var file: String

  func run(in world: World) throws -> DLCore.ExitCode {
    try world.first("describe \(file)") {
      world.print(try DatasetReport.text(path: file, columns: World.columns))
    }
    return .success
  }
}
