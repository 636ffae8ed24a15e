import ArgumentParser
import DLCluster
import DLCore
import DLData
import DLInference
import DLJobs
import DLTraining

/// `dltrain data pack images`.
struct PackImages: PackVerb {
  static let configuration = CommandConfiguration(
    commandName: "images",
    abstract: "Turn folders of JPEG and PNG files, or a .tar.gz of them, into data set files.",
    discussion: """
      Example: dltrain data pack images cifar10-images.tar.gz -o cifar10

      The images lie as SPLIT/CLASS/FILE, which makes one SPLIT.safetensors for each split, or as CLASS/FILE, which \
      makes images.safetensors, or the parts of --split and --folds, as does the part train of several. Classes are numbered in the order of their names.
      """)

  @Argument(help: "A folder, or a .tar or .tar.gz file.")
  var source: String
  @Option(name: .shortAndLong, help: "The folder for the data set files, or one file for one part.")
  var output: String
  @Option(help: ArgumentHelp("Bring all images to this size.", valueName: "heightxwidth"))
  var size: ImageSize?
  @Option(help: "1 for gray, 3 for color; as the first image has it unless given.")
  var channels: Int?

  @Flag(help: "Keep the files as they are, of any size, to be decoded while training.")
  var keepEncoded = false
  @OptionGroup var split: SplitOptions
  @Option(help: "Number classes by the names in this data set file, as for images to evaluate on.")
  var like: String?

  var tensor: String { keepEncoded ? "images" : "x" }
  var reads: [String?] { [source, like] }

  func pack(in world: World, _ line: ProgressLine) throws -> [PackedFile] {
    var packer = ImagePacker()
    packer.size = size.map { ($0.height, $0.width) }
    packer.channels = channels
    packer.keepsEncoded = keepEncoded
    (packer.like, packer.split) = (like, split.asked)
    packer.notice = world.warn
    packer.progress = line.update
    return try packer.pack(source, output: output)
  }
}

/// A height and a width, as in `32x48`, or `32` for both.
struct ImageSize: ExpressibleByArgument {
  let height: Int
  let width: Int

  init?(argument: String) {
    let parts = argument.split(separator: "x", omittingEmptySubsequences: false).map { Int($0) }
    guard (1...2).contains(parts.count), let height = parts[0],
      let width = parts[parts.count - 1]
    else { return nil }
    self.height = height
    self.width = width
  }
}
