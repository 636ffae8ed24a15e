import ArgumentParser
import DLCore
import DLData
import DLJobs

/// `dltrain data pack csv`.
struct PackCSV: Verb {
  static let configuration = CommandConfiguration(
    commandName: "csv", abstract: "Turn a table (CSV) into data set files of numbers.",
    discussion: """
      Example: dltrain data pack csv covid/train.csv --drop id --label -1 --regression --standardize -o covid

      Columns are named by the first line, or given by their positions: 1 the first, -1 the last. A second column of the
      name x is x.1, a third x.2. Columns of text become a 1 among 0s by --categorical.
      """)

  @Argument(help: "A UTF-8 file.")
  var file: String
  @Option(
    name: .shortAndLong,
    help: "The folder for train.safetensors and validation.safetensors, or one file for one part.")
  var output: String
  @Option(
    parsing: .unconditional,
    help: "The column of the label, by name or position; the last one unless given.")
  var label = "-1"
  @Flag(help: "Labels are values and no classes.")
  var regression = false
  @Option(
    parsing: .unconditional,
    help: ArgumentHelp("Columns of text, parted by commas.", valueName: "columns"))
  var categorical: ColumnList?
  @Option(
    parsing: .unconditional,
    help: ArgumentHelp("Columns to leave out, parted by commas.", valueName: "columns"))
  var drop: ColumnList?
  @Flag(help: "Bring numbers to mean 0 and deviation 1 over the rows to train on.")
  var standardize = false
  @Option(
    help: "What missing cells become: mean, that of the rows to train on; else they are errors.")
  var missing: MissingCells?
  @OptionGroup var split: SplitOptions
  @Option(help: "Validate on this table instead of a part of the rows.")
  var validation: String?
  @Option(help: "Take columns, classes, means and deviations of this data set file.")
  var like: String?
  @Option(help: "What stands between cells: a character, or tab.")
  var separator: Separator = .init(byte: UInt8(ascii: ","))
  @Flag(help: "The first line is a row; columns are called 1, 2, ...")
  var noHeader = false

  func run(in world: World) throws -> DLCore.ExitCode {
    try world.first("pack \(file)") {
      var packer = CSVPacker()
      (packer.label, packer.isRegression) = (label, regression)
      (packer.categorical, packer.dropped) = (categorical?.names ?? [], drop?.names ?? [])
      (packer.isStandardized, packer.fillsMissing) = (standardize, missing != nil)
      (packer.fraction, packer.seed) = (split.split, split.seed)
      (packer.validation, packer.like) = (validation, like)
      (packer.separator, packer.hasHeader) = (separator.byte, !noHeader)
      packer.notice = { world.print($0) }
      for file in try packer.pack(file, output: output) {
        world.print("\(file.path): x \(file.shape)")
      }
    }
    return .success
  }
}

/// What missing cells become.
enum MissingCells: String, ExpressibleByArgument, CaseIterable {
  /// The mean of the column over the rows to train on.
  case mean
}

/// Columns, parted by commas.
struct ColumnList: ExpressibleByArgument {
  let names: [String]

  init?(argument: String) {
    names = argument.parts(at: ",").map(String.init)
    if names.contains("") { return nil }
  }
}

/// A character between cells.
struct Separator: ExpressibleByArgument {
  let byte: UInt8
  var defaultValueDescription: String { byte == 9 ? "tab" : String(UnicodeScalar(byte)) }

  init(byte: UInt8) { self.byte = byte }

  init?(argument: String) {
    let bytes = Array((argument == "tab" ? "\t" : argument).utf8)
    guard bytes.count == 1, bytes[0] < 0x80, bytes[0] == 9 || bytes[0] >= 0x20, bytes[0] != 34
    else { return nil }
    byte = bytes[0]
  }
}
