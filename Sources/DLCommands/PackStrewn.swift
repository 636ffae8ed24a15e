import ArgumentParser
import DLCore
import DLData
import DLJobs

/// `dltrain data pack strewn`.
struct PackStrewn: PackVerb {
  static let configuration = CommandConfiguration(
    commandName: "strewn",
    abstract: "Strew the images of data set files over larger ones, to be found there.",
    discussion: """
      Example: dltrain data pack strewn embedded:digits-train embedded:digits-validation -o strewn

      Labels are the boxes of what lies on an image, for a network that ends with detect, or the class of each pixel, \
      0 for the background. A row depends on --seed, its part and its number alone.
      """)

  @Argument(help: "The images to train on, and perhaps those to validate on.")
  var sources: [String]
  @Option(
    name: .shortAndLong,
    help: "The folder for train.safetensors and validation.safetensors, or one file for one part.")
  var output: String
  @Option(help: ArgumentHelp("The size of the larger images.", valueName: "heightxwidth"))
  var canvas: ImageSize?
  @Option(help: ArgumentHelp("How many lie on one, as 1-4.", valueName: "least-most"))
  var objects: NumberRange?
  @Option(help: ArgumentHelp("Factors of their size, as 1-2.", valueName: "least-most"))
  var scale: NumberRange?
  @Option(help: ArgumentHelp("Images to make of each file, as 2000,400.", valueName: "counts"))
  var rows: String?
  @Option(help: "What is told of them: boxes or pixels.")
  var labels = StrewnPacker.Labels.boxes
  @Option(help: "Keys what lies where.")
  var seed = 1

  func validate() throws {
    guard (1...2).contains(sources.count) else {
      throw ValidationError("\(sources.count) files, give one to train on and one to validate on")
    }
  }

  var reads: [String?] { sources }

  func pack(in world: World, _ line: ProgressLine) throws -> [PackedFile] {
    var packer = StrewnPacker()
    if let canvas { packer.canvas = (canvas.height, canvas.width) }
    if let objects { packer.objects = try objects.integers("objects") }
    if let scale { packer.scale = scale.bounds }
    packer.rows = try rows.map(Self.counts) ?? Array(packer.rows.prefix(sources.count))
    (packer.labels, packer.seed) = (labels, seed)
    packer.progress = line.update
    return try packer.pack(sources, output: output)
  }

  private static func counts(_ text: String) throws -> [Int] {
    let counts = text.parts(at: ",").map { Int($0) }
    guard !counts.contains(nil) else {
      throw UsageError("--rows: \"\(text)\" is no list of numbers; give one for each file")
    }
    return counts.compactMap { $0 }
  }
}

extension StrewnPacker.Labels: ExpressibleByArgument {}

/// Numbers from a least to a greatest, as `1-4`, or `2` for one alone.
struct NumberRange: ExpressibleByArgument {
  let bounds: ClosedRange<Double>

  init?(argument: String) {
    let numbers = argument.parts(at: "-").map { Double($0) }
    guard (1...2).contains(numbers.count), let low = numbers[0],
      let high = numbers[numbers.count - 1],
      low.isFinite, high.isFinite, low <= high
    else { return nil }
    bounds = low...high
  }

  /// The bounds as integers; throws a usage error where they are none.
  func integers(_ option: String) throws -> ClosedRange<Int> {
    guard let low = Int(exactly: bounds.lowerBound), let high = Int(exactly: bounds.upperBound)
    else { throw UsageError("--\(option): give whole numbers, as 1-4") }
    return low...high
  }
}
