import ArgumentParser
import DLCore
import DLData
import DLJobs

/// `dltrain data pack subset`.
struct PackSubset: PackVerb {
  static let configuration = CommandConfiguration(
    commandName: "subset",
    abstract: "Take some classes, or some rows of each, out of a data set file.",
    discussion: """
      Example: dltrain data pack subset embedded:digits-train --classes 5,6,7,8,9 --per-class 50 -o few.safetensors

      Classes are named as class_names says, else by their numbers, and are numbered anew in the order given.
      """)

  @Argument(help: "A data set file of a class a row.")
  var source: String
  @Option(name: .shortAndLong, help: "The file to write.")
  var output: String
  @Option(help: ArgumentHelp("The classes to take; all unless given.", valueName: "names"))
  var classes: String?
  @Option(
    help: ArgumentHelp(
      "One more class of this name for the rows of all others, which are left out unless it is given.",
      valueName: "name"))
  var rest: String?
  @Option(help: "How many rows of each to take; all unless given.")
  var perClass: Int?
  @Option(help: "Keys which rows are taken.")
  var seed = 1

  var reads: [String?] { [source] }

  func pack(in world: World, _ line: ProgressLine) throws -> [PackedFile] {
    var packer = SubsetPacker()
    packer.classes = classes?.parts(at: ",").map { String($0) }
    (packer.rest, packer.perClass, packer.seed) = (rest, perClass, seed)
    return [try packer.pack(source, to: output)]
  }
}
