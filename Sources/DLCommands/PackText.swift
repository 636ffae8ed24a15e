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
  @Option(
    name: [.long, .customLong("train-fraction")],
    help: ArgumentHelp(
      "The shares of the text, from its beginning on, as 0.9 or 0.8,0.1,0.1.", valueName: "shares"))
  var split: SplitShares?

  @Option(help: "Take the characters of this data set file, as for a text to evaluate on.")
  var like: String?

  func run(in world: World) throws -> DLCore.ExitCode {
    try world.first("pack \(file)") {
      let plan = split.map { SplitPlan(shares: $0.shares) } ?? SplitPlan()
      for file in try TextPacker.pack(file, output: output, split: plan, like: like) {
        world.print("\(file.path): tokens \(file.shape)")
      }
    }
    return .success
  }
}
