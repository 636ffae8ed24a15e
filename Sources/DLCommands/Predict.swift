import ArgumentParser
import DLCluster
import DLCore
import DLFormats
import DLInference
import DLJobs
import DLReports
import DLTraining

/// `dltrain predict`.
struct Predict: Verb {
  static let configuration = CommandConfiguration(
    abstract: "Write the predictions of a trained network as CSV, or translations as text.",
    discussion: """
      Example: dltrain predict runs/digits-001 new.csv -o predictions.csv

      With classes a line is row,class,probability and, where the training data named the classes, name; else row and \
      values; of a folder of images the last column is the file. A file of another kind becomes rows as the training \
      data did: a table with the columns of the one packed for training, in any order; a PNG or JPEG image, brought to \
      the network's size; a WAV sound; a text, each line of which is a row. A run that translates writes each row's \
      translation as a line of its own, in their order, and can show as a picture what it looks at as it translates the \
      first one. A run on a graph predicts every node of it.
      """)

  @OptionGroup var trained: RunOptions
  @OptionGroup var averaged: ViewOptions
  @Argument(help: "A data set file, a table (CSV), an image, a sound or a text.")
  var input: String
  @Option(name: .shortAndLong, help: "The file to write; standard output unless given.")
  var output: String?
  @Option(help: "A file (SVG) for what the translation of the first row looks at.")
  var attention: String?

  func run(in world: World) throws -> DLCore.ExitCode {
    try world.first("predict \(input)") {
      let run = try trained.open(world, views: averaged.views)
      for file in [output, attention] {
        try OutputFile.require(file, otherThan: [input, run.checkpoint], run: run.folder)
      }
      if let output {
        _ = try File.replace(output) { file in try run.predict(input) { try file.write($0) } }
      } else {
        try run.predict(input) { world.print($0, terminator: "") }
      }
      if let attention {
        let table = try run.attention(input)
        try AttentionMap(columns: table.source, rows: table.target, weights: table.weights)
          .writeSVG(to: attention)
      }
    }
    return .success
  }
}
