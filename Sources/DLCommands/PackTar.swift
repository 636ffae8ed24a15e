import ArgumentParser
import DLCore
import DLData
import DLJobs

/// `dltrain data pack tar`.
struct PackTar: PackVerb {
  static let configuration = CommandConfiguration(
    commandName: "tar", abstract: "Turn tar shards of images (WebDataset) into data set files.",
    discussion: """
      Example: dltrain data pack tar 'shard-{000..009}.tar' --size 64x64 -o photos

      Each image KEY.jpg, .jpeg or .png has its class in KEY.cls, a number or a name, next to it in the archive. Shards, \
      plain or .tar.gz, are read in sequence.
      """)

  @Argument(help: "Shards, or patterns of their names: shard-{000..009}.tar, 'shard-*.tar'.")
  var shards: [String]
  @Option(
    name: .shortAndLong,
    help: "The folder for train.safetensors and validation.safetensors, or one file for one part.")
  var output: String
  @Option(help: ArgumentHelp("Bring all images to this size.", valueName: "heightxwidth"))
  var size: ImageSize?
  @Option(help: "1 for gray, 3 for color; as the first image has it unless given.")
  var channels: Int?
  @OptionGroup var split: SplitOptions

  var reads: [String?] { shards }

  func pack(in world: World, _ line: ProgressLine) throws -> [PackedFile] {
    var packer = TarPacker()
    packer.size = size.map { ($0.height, $0.width) }
    (packer.channels, packer.split) = (channels, split.plan)
    packer.notice = { world.print($0) }
    packer.progress = line.update
    return try packer.pack(shards, output: output)
  }
}
