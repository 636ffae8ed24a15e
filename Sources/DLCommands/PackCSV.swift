import ArgumentParser
import DLCore
import DLData
import DLJobs

/// `dltrain data pack csv`.
struct PackCSV: PackVerb {
  static let configuration = CommandConfiguration(
    commandName: "csv", abstract: "Turn a table (CSV) into data set files of numbers.",
    discussion: """
      Example: dltrain data pack csv covid/train.csv --drop id --label -1 --task regression --standardize -o covid

      Columns are named by the first line, or given by their positions: 1 the first, -1 the last. A second column of the \
      name x is x.1, a third x.2. Columns of text become a 1 among 0s by --categorical. Nine tenths of the rows are for \
      training, unless --split says otherwise. A table of any length is read in passes; it may be packed by gzip.
      """)

  @Argument(help: "A UTF-8 file.")
  var file: String
  @Option(
    name: .shortAndLong,
    help: "The folder for train.safetensors and validation.safetensors, or one file for one part.")
  var output: String
  @Option(
    parsing: .unconditional,
    help: ArgumentHelp(
      "The column of the label, by name or position, or several, parted by commas: values, or of "
        + "classes each a yes or no; the last unless given.", valueName: "columns"))
  var label: ColumnList?
  @Option(help: "Whether labels are classes or values: classification or regression.")
  var task: TableTask?
  @Flag(help: "The same as --task regression.")
  var regression = false
  @Option(
    parsing: .unconditional,
    help: ArgumentHelp("Columns of text, parted by commas.", valueName: "columns"))
  var categorical: ColumnList?
  @Option(
    parsing: .unconditional,
    help: ArgumentHelp(
      "Columns of text that become the numbers of their texts.", valueName: "columns"))
  var index: ColumnList?
  @Option(
    parsing: .unconditional,
    help: ArgumentHelp(
      "Columns of dates, as 2024-02-29 or 2024-02-29T18:30:00, which become days since 1970.",
      valueName: "columns"))
  var date: ColumnList?
  @Option(
    parsing: .unconditional,
    help: ArgumentHelp("Columns to leave out, parted by commas.", valueName: "columns"))
  var drop: ColumnList?
  @Flag(help: "Bring numbers to mean 0 and deviation 1 over the rows to train on.")
  var standardize = false
  @Option(
    help:
      "What missing cells become: mean or median of the rows to train on, or error; error unless given."
  )
  var missing: CSVPacker.Missing?
  @OptionGroup var split: SplitOptions
  @Option(help: "Validate on this table instead of a part of the rows.")
  var validation: String?
  @Option(help: "Take columns, classes, means and deviations of this data set file or checkpoint.")
  var like: String?
  @Option(help: "What stands between cells: a character, or tab.")
  var separator: Separator = .init(byte: UInt8(ascii: ","))
  @Flag(help: "The first line is a row; columns are called 1, 2, ...")
  var noHeader = false

  func validate() throws {
    if regression, task == .classification {
      throw ValidationError("--regression and --task classification exclude each other")
    }
    try split.requireNone(
      beside: [("--validation", validation != nil), ("--like", like != nil)])
    try SplitOptions.requireNone(
      of: [
        ("--label", label != nil), ("--task", task != nil), ("--regression", regression),
        ("--categorical", categorical != nil), ("--index", index != nil), ("--date", date != nil),
        ("--drop", drop != nil), ("--standardize", standardize), ("--missing", missing != nil),
      ], besideLike: like != nil)
    guard like == nil || validation == nil else {
      throw ValidationError(
        "--validation: with --like all rows are one part, leave one of them out")
    }
  }

  var reads: [String?] { [file, validation, like] }

  func pack(in world: World, _ line: ProgressLine) throws -> [PackedFile] {
    var packer = CSVPacker()
    (packer.labels, packer.isRegression) = (
      label?.names ?? ["-1"], regression || task == .regression
    )
    (packer.categorical, packer.dropped) = (categorical?.names ?? [], drop?.names ?? [])
    (packer.indexed, packer.dates) = (index?.names ?? [], date?.names ?? [])
    (packer.isStandardized, packer.missing) = (standardize, missing ?? .error)
    packer.split = split.plan
    (packer.validation, packer.like) = (validation, like)
    (packer.separator, packer.hasHeader) = (separator.byte, !noHeader)
    packer.notice = { world.print($0) }
    return try packer.pack(file, output: output)
  }
}

extension CSVPacker.Missing: ExpressibleByArgument {}

/// The kinds of labels of a table.
enum TableTask: String, ExpressibleByArgument, CaseIterable {
  /// Texts, each the name of a class; of several columns a yes or no each.
  case classification
  /// Numbers.
  case regression
}

/// Columns, parted by commas.
struct ColumnList: ExpressibleByArgument {
  let names: [String]

  init(names: [String]) { self.names = names }

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
