import ArgumentParser
import DLCore
import DLJobs
import DLReports

/// `dltrain bench ops`.
struct BenchOps: Verb {
  static let configuration = CommandConfiguration(
    commandName: "ops",
    abstract: "Measure ops on one core, beside what the core does at most.",
    discussion: "Example: dltrain bench ops --filter conv --svg roofline.svg")

  @Option(help: "Words that an op's name, shape and direction must have, such as \"conv forward\".")
  var filter: String?
  @Option(help: "About how long one measurement takes, in seconds.")
  var seconds = 0.1
  @Flag(help: "Measure over batch, channels and length in the place of the networks' shapes.")
  var sweep = false
  @Option(help: "The operands of products: float32, or rounded to bfloat16.")
  var precision = Precision.float32
  @Option(help: "Write the numbers to this file.")
  var json: String?
  @Option(help: "Write the products below the machine's roofs as a picture.")
  var svg: String?

  @Flag(help: "Call small ops once each and time nothing, for Tests/InstructionCount/check.sh.")
  var count = false

  enum Precision: String, ExpressibleByArgument, CaseIterable { case float32, bfloat16 }

  func run(in world: World) throws -> DLCore.ExitCode {
    try world.first("measure the ops") {
      guard !count else { return world.print(try OpBenchmark.countOnce()) }
      for path in [json, svg] { if let path { try File.checkReplaceable(path) } }
      var benchmark = OpBenchmark()
      benchmark.filter = filter
      benchmark.seconds = seconds
      benchmark.sweeps = sweep
      benchmark.roundsProducts = precision == .bfloat16
      let report = try benchmark.run { op, done, count in
        if World.isInteractive {
          world.print("\r\u{1b}[K\(done + 1)/\(count) \(op)", terminator: "")
        }
      }
      if World.isInteractive { world.print("\r\u{1b}[K", terminator: "") }
      if let warning = SystemReport.blasWarning { world.warn(warning) }
      world.print(report.text(columns: World.columns))
      if let json { try report.writeJSON(to: json) }
      if let svg { try report.writeSVG(to: svg) }
    }
    return .success
  }
}
