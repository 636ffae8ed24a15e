import ArgumentParser
import DLCluster
import DLCore
import DLFormats
import DLJobs
import DLRecipes
import DLTraining

/// `dltrain data sheet`.
struct DataSheet: Verb {
  static let configuration = CommandConfiguration(
    commandName: "sheet", abstract: "Draw training images as a job's augmentation changes them.",
    discussion: """
      Example: dltrain data sheet job.yaml -o sheet.png --set data.augment=[random_resized_crop,flip]

      A row shows one image, as it is validated and then as each of the first epochs shows it.
      """)

  @Argument(help: "A configuration file or a recipe; the program's own unless given.")
  var config: String?
  @OptionGroup var job: JobOptions
  @Option(name: .shortAndLong, help: "The PNG file to write.")
  var output: String
  @Option(help: "Images, one below the other.")
  var images = 8
  @Option(help: "Epochs, one beside the other.")
  var epochs = 8

  func run(in world: World) throws -> DLCore.ExitCode {
    try world.first("draw \(config ?? "the configuration")") {
      let configuration = try Job(config, of: world.program).configuration(job.overrides)
      let sheet = try TrainingData.sheet(configuration, images: images, epochs: epochs)
      try sheet.writePNG(to: output)
      world.print("\(output): \(sheet.height) x \(sheet.width) pixels")
    }
    return .success
  }
}
