import ArgumentParser
import DLCluster
import DLCore
import DLData
import DLInference
import DLJobs
import DLTraining

/// `dltrain data pack text`.
struct PackText: Verb {
  static let configuration = CommandConfiguration(
    commandName: "text", abstract: "Turn a text into two data set files of characters.",
    discussion: "Example: dltrain data pack text tinyshakespeare/input.txt -o shakespeare")

  @Argument(help: "A UTF-8 text file.")
  var file: String
  @Option(name: .shortAndLong, help: "The folder for train.safetensors and validation.safetensors.")
  var output: String
  @Option(help: "The part of the text, from its beginning, that is for training.")
  var trainFraction = 0.9

  @Option(help: "Take the characters of this data set file, as for a text to evaluate on.")
  var like: String?

  func run(in world: World) throws -> DLCore.ExitCode {
    try world.first("pack \(file)") {
      for file in try TextPacker.pack(file, output: output, fraction: trainFraction, like: like) {
        world.print("\(file.path): tokens \(file.shape)")
      }
    }
    return .success
  }
}
