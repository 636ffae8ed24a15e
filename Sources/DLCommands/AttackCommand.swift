import ArgumentParser
import DLCore
import DLFormats
import DLInference
import DLJobs
import DLReports
import DLTraining

extension AttackNorm: ExpressibleByArgument {}

/// `dltrain attack`.
struct AttackCommand: Verb {
  static let configuration = CommandConfiguration(
    commandName: "attack",
    abstract: "Change inputs a little so that a trained classifier is mistaken about them.",
    discussion: """
      Example: mpirun -n 2 dltrain attack runs/digits-001 --method pgd --epsilon 0.05,0.1,0.2

      Attacks act on inputs before normalization, within their range (0 to 1 for bytes). Figures are \
      the same for any number of ranks. The folder gets attack.json, attack.csv, attack.svg, and \
      pictures before and after in attack.png.
      """)

  @OptionGroup var trained: RunOptions
  @Option(help: "A data set file; the run's validation set unless given.")
  var data: String?
  @Option(
    help: ArgumentHelp("The attack.", valueName: Attacks.all.map { $0.word }.joined(separator: "|"))
  )
  var method = FastGradientSign.word
  @Option(help: ArgumentHelp("How changes are measured; cw knows l2 alone.", valueName: "linf|l2"))
  var norm: AttackNorm?
  @Option(
    parsing: .unconditional,
    help: "The sizes of changes, with commas; cw and deepfool look for the smallest ones.")
  var epsilon: String?
  @Option(help: "Steps, or generations of one_pixel; each attack has its own number.")
  var steps: Int?
  @Option(help: "The length of a step; 2.5 epsilon / steps unless given.")
  var stepSize: Double?
  @Option(
    parsing: .unconditional, help: "A class that inputs are to be taken for, by number or name.")
  var target: String?
  @Option(help: "How far cw is to get the wrong class ahead; 0 unless given.")
  var confidence: Double?
  @Option(help: "Pixels that one_pixel changes; 1 unless given.")
  var pixels: Int?
  @Option(help: "Candidates of a generation of one_pixel; 100 unless given.")
  var population: Int?
  @Option(help: "Rows at most, drawn by the run's seed.")
  var rows = 1000
  @Option(help: "The least and the largest value of inputs, with a comma.")
  var range: String?
  @Option(help: "Pictures of the sheet.")
  var pictures = 10
  @Option(name: .shortAndLong, help: "The folder to write; RUN/attack-METHOD unless given.")
  var output: String?
  @Option(help: "Ranks; one per process or core unless given.")
  var ranks: Int?

  func validate() throws { _ = try request() }

  func run(in world: World) throws -> DLCore.ExitCode {
    let run = try world.agreed("open \(trained.run)") { try trained.open(world) }
    let request = try world.agreed("read the command line") { try self.request() }
    let report = try world.run(ranks: ranks) {
      try AttackReport(run, request, communicator: $0)
    }
    let folder = output ?? run.folder + "/attack-\(method)"
    try world.first("write \(folder)") { try report.write(to: folder) }
    world.print(report: { report.text(columns: $0) }, writtenTo: folder)
    return .success
  }

  /// The attack that the options ask for.
  private func request() throws -> AttackRequest {
    guard let type = Attacks.named(method) else {
      let words = Attacks.all.map { $0.word }.joined(separator: ", ")
      throw ValidationError("--method \(method): no such attack; give one of \(words)")
    }
    let norm = norm ?? type.norms[0]
    guard type.norms.contains(norm) else {
      throw ValidationError(
        "--norm \(norm.rawValue): \(method) measures by \(type.norms[0].rawValue) alone; leave it out"
      )
    }
    guard target == nil || type.canTarget else {
      throw ValidationError("--target: \(method) goes to the nearest class; leave it out")
    }
    let given: [(option: AttackOption, isGiven: Bool)] = [
      (.steps, steps != nil), (.stepSize, stepSize != nil), (.confidence, confidence != nil),
      (.pixels, pixels != nil), (.population, population != nil),
    ]
    for (option, isGiven) in given where isGiven && !type.knownOptions.contains(option) {
      let others = Attacks.all.filter { $0.knownOptions.contains(option) }.map { $0.word }
      throw ValidationError(
        "--\(option.rawValue): \(method) does not go by it, \(others.joined(separator: ", ")) do; leave it out"
      )
    }
    try requireBounds([
      ("--steps", steps ?? 1, 1...100_000), ("--rows", rows, 1...Int.max),
      ("--pixels", pixels ?? 1, 1...10_000), ("--population", population ?? 4, 4...100_000),
      ("--pictures", pictures, 0...100),
    ])
    for (name, value) in [("--step-size", stepSize ?? 1), ("--confidence", confidence ?? 0)]
    where !(value.isFinite && value >= 0) {
      throw ValidationError("\(name) \(value): give a finite number of 0 or more")
    }
    var request = AttackRequest(type, norm: norm)
    if let epsilon {
      let sizes = try AttackCommand.numbers(epsilon, "--epsilon")
      guard sizes.allSatisfy({ (AttackCommand.smallest...AttackCommand.largest).contains($0) })
      else {
        throw ValidationError(
          "--epsilon \(epsilon): give numbers from 1e-12 to 1e18, as 0.05,0.1")
      }
      request.epsilons = sizes.sorted()
    }
    if let range {
      let bounds = try AttackCommand.numbers(range, "--range")
      let isWithin = bounds.allSatisfy { abs($0) <= AttackCommand.largest }
      guard bounds.count == 2, bounds[0] < bounds[1], isWithin else {
        throw ValidationError(
          "--range \(range): give two ascending numbers within -1e18 and 1e18, as 0,1")
      }
      request.range = bounds[0]...bounds[1]
    }
    if let steps { request.options.steps = steps }
    request.options.stepSize = stepSize
    if let confidence { request.options.confidence = confidence }
    if let pixels { request.options.pixels = pixels }
    if let population { request.options.population = population }
    (request.data, request.rows, request.target) = (data, rows, target)
    request.pictures = pictures
    return request
  }

  /// The largest size of inputs and changes: squares of them are numbers in float32, too.
  private static let largest = 1e18
  /// The smallest size of changes, likewise.
  private static let smallest = 1e-12

  private static func numbers(_ text: String, _ name: String) throws -> [Double] {
    let parts = text.split(separator: ",", omittingEmptySubsequences: false)
    let numbers = parts.compactMap { Double($0) }.filter(\.isFinite)
    guard numbers.count == parts.count, numbers.count <= 1000 else {
      throw ValidationError("\(name) \(text): is no list of numbers; give some as 0.05,0.1")
    }
    return numbers
  }
}

extension AttackReport {
  /// Writes the figures, the curve and the pictures into a folder.
  ///
  /// - Throws: `FormatError` where a file cannot be written.
  fileprivate func write(to folder: String) throws {
    try File.makeFolder(folder)
    try File.replace(folder + "/attack.json") { try $0.write(json.description + "\n") }
    try File.replace(folder + "/attack.csv") { try $0.write(csv) }
    let sized = levels.compactMap { level in level.epsilon.map { (x: $0, level: level) } }
    if !sized.isEmpty {
      let all = Double(max(rows, 1))
      try LinePlot(
        title: "\(method), \(norm.rawValue): success and what is still right", xTitle: "epsilon",
        series: [
          .init("succeeded", sized.map { ($0.x, rate($0.level)) }),
          .init(
            "still right",
            [(0, Double(rightBefore) / all)] + sized.map { ($0.x, Double($0.level.right) / all) }),
        ], yRange: 0...1, isShare: true
      ).writeSVG(to: folder + "/attack.svg")
    }
    try sheet()?.writePNG(to: folder + "/attack.png")
  }
}
