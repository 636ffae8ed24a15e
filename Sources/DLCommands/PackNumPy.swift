import ArgumentParser
import DLCore
import DLData
import DLJobs

/// `dltrain data pack npy`.
struct PackNPY: PackVerb {
  static let configuration = CommandConfiguration(
    commandName: "npy", abstract: "Turn NumPy arrays (.npy) into data set files.",
    discussion: """
      Example: dltrain data pack npy images.npy labels.npy --split 0.8,0.1,0.1 --stratify -o photos

      The first axis counts rows; images are [rows, height, width, channels]. Of the inputs uint8 stay bytes, other \
      integers become tokens, floats and bool values; of the labels integers are classes and floats values. Any order of \
      memory and of bytes is read, a piece at a time.
      """)

  @Argument(help: "The array of the inputs.")
  var inputs: String
  @Argument(help: "The array of the labels; none to predict.")
  var labels: String?
  @OptionGroup var options: NumPyOptions

  var reads: [String?] { [inputs, labels] }

  func pack(in world: World, _ line: ProgressLine) throws -> [PackedFile] {
    try options.packer(world).pack(inputs, labels: labels, output: options.output)
  }
}

/// `dltrain data pack npz`.
struct PackNPZ: PackVerb {
  static let configuration = CommandConfiguration(
    commandName: "npz", abstract: "Turn an archive of NumPy arrays (.npz) into data set files.",
    discussion: """
      Example: dltrain data pack npz mnist.npz --input x_train --label y_train -o mnist

      The archive is one of numpy.savez or numpy.savez_compressed; what becomes of its arrays says \
      dltrain data pack npy --help.
      """)

  @Argument(help: "The archive.")
  var file: String
  @Option(help: "The name of the array of the inputs.")
  var input = "x"
  @Option(help: "The name of the array of the labels; y, if there is one, unless given.")
  var label: String?
  @OptionGroup var options: NumPyOptions

  var reads: [String?] { [file] }

  func pack(in world: World, _ line: ProgressLine) throws -> [PackedFile] {
    try options.packer(world).pack(
      archive: file, input: input, label: label, output: options.output)
  }
}

/// The options of what becomes of arrays.
struct NumPyOptions: ParsableArguments {
  @Option(
    name: .shortAndLong,
    help: "The folder for train.safetensors and validation.safetensors, or one file for one part.")
  var output: String
  @Option(help: "What inputs become, by their type unless given: bytes, tokens or values.")
  var inputKind: NumPyPacker.Inputs?
  @Option(help: "Whether labels are classes or values: classification or regression.")
  var task: TableTask?
  @Option(
    help: ArgumentHelp(
      "The names of the classes by their numbers, parted by commas.", valueName: "names"))
  var classNames: ColumnList?
  @OptionGroup var split: SplitOptions

  /// The packer that the options ask for.
  func packer(_ world: World) -> NumPyPacker {
    var packer = NumPyPacker()
    packer.inputs = inputKind
    packer.isRegression = task.map { $0 == .regression }
    packer.classNames = classNames?.names
    packer.split = split.plan
    packer.notice = { world.print($0) }
    return packer
  }
}

extension NumPyPacker.Inputs: ExpressibleByArgument {}
