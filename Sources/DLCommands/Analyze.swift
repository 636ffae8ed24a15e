import ArgumentParser
import DLCore
import DLInference
import DLJobs
import DLReports
import DLTraining

/// `dltrain analyze`.
struct Analyze: Verb {
  static let configuration = CommandConfiguration(
    abstract:
      "Study the loss around a trained network: gradient, curvature, landscape, activations.",
    discussion: """
      Example: mpirun -n 2 dltrain analyze runs/digits-001 --plane 15 -o analysis

      Everything is computed in float64 and in evaluation mode, and is the same for any number of \
      ranks. The folder gets analysis.json and, of line and plane, CSV and SVG.
      """)

  @OptionGroup var trained: RunOptions
  @Option(help: "A data set file; the run's training set unless given.")
  var data: String?
  @Option(
    parsing: .unconditional,
    help: "Rows to go by, drawn by the run's seed; all up to 4096 unless given.")
  var rows: Int?
  @Option(
    parsing: .unconditional,
    help: "Lanczos steps at most for the Hessian's eigenvalues; 0 to leave it out.")
  var lanczos = 60
  @Option(parsing: .unconditional, help: "Eigenvalues to show at either end of the spectrum.")
  var eigenvalues = 3
  @Flag(help: "Take central differences of the gradient where it could be differentiated.")
  var differences = false
  @Option(help: "The distance at which sharpness is looked for; 0 for none.")
  var radius = 0.05
  @Option(parsing: .unconditional, help: "Points on a line through the weights; 0 for none.")
  var line = 21
  @Option(
    parsing: .unconditional,
    help: "Points on either axis of a plane through the weights; none unless given.")
  var plane = 0
  @Option(help: "How far line and plane reach, in lengths of each filter.")
  var span = 1.0
  @Option(help: "A run whose weights the line leads to, instead of a random direction.")
  var to: String?
  @Option(
    parsing: .unconditional, help: "Random chords to check convexity along; none unless given.")
  var chords = 0
  @Option(name: .shortAndLong, help: "The folder to write; RUN/analysis unless given.")
  var output: String?
  @Option(help: "Ranks; one per process or core unless given.")
  var ranks: Int?

  func validate() throws {
    try requireBounds([
      ("--rows", rows ?? 1, 1...Int.max), ("--lanczos", lanczos, 0...1000),
      ("--eigenvalues", eigenvalues, 1...50), ("--line", line, 0...10001),
      ("--plane", plane, 0...501), ("--chords", chords, 0...10000),
    ])
    guard radius.isFinite, radius >= 0 else {
      throw ValidationError("--radius \(radius): give a finite number of 0 or more")
    }
    guard to == nil || line > 0 else {
      throw ValidationError("--to: is where the line leads, which --line 0 leaves out")
    }
    guard span.isFinite, span > 0 else {
      throw ValidationError("--span \(span): give a finite number above 0")
    }
  }

  func run(in world: World) throws -> DLCore.ExitCode {
    let run = try world.agreed("open \(trained.run)") { try trained.open(world) }
    var options = AnalysisOptions()
    options.data = data
    options.rows = rows
    options.lanczosSteps = lanczos
    options.eigenvalues = eigenvalues
    options.takesDifferences = differences
    options.radius = radius
    (options.line, options.plane, options.span) = (line, plane, span)
    options.chords = chords
    options.target = try to.map { path in
      try world.agreed("open \(path)") {
        try LoadedRun(path, report: { world.warn($0) }, task: world.program.task)
      }
    }
    let asked = options
    let report = try world.run(ranks: ranks) {
      try AnalysisReport(run, asked, communicator: $0)
    }
    let folder = output ?? run.folder + "/analysis"
    try world.first("write \(folder)") { try report.write(to: folder) }
    world.print(report: { report.text(columns: $0) }, writtenTo: folder)
    return .success
  }
}

extension AnalysisReport {
  /// Writes `analysis.json`, and the numbers and pictures of its sections, into a folder.
  ///
  /// - Throws: `FormatError` where a file cannot be written.
  fileprivate func write(to folder: String) throws {
    try File.makeFolder(folder)
    func write(_ name: String, _ text: String) throws {
      try File.replace("\(folder)/\(name)") { try $0.write(text) }
    }
    try write("analysis.json", json.description + "\n")
    for section in sections {
      if let line = section as? LossLine {
        try write("line.csv", line.csv)
        try line.plot.writeSVG(to: "\(folder)/line.svg")
      } else if let plane = section as? LossPlane {
        try write("plane.csv", plane.csv)
        try plane.map.writeSVG(to: "\(folder)/plane.svg")
      }
    }
  }
}

extension LossLine {
  fileprivate var plot: LinePlot {
    LinePlot(
      title: barrier == nil ? "mean loss along a random direction" : "mean loss between two runs",
      xTitle: "place on the line, 0 at the weights",
      series: [.init("loss", zip(places, losses).map { (x: $0, y: $1) })])
  }
}

extension LossPlane {
  fileprivate var map: HeatMap {
    HeatMap(title: "mean loss around the weights", places: places, values: losses)
  }
}
