import DLCore
import DLFormats
import DLReports
import Testing

import DLTraining

@Suite struct ScalingTests {
  /// A step that costs exactly what the model says.
  private func point(
    ranks: Int, rows: Int, parameters: Int = 100_000, collectives: Int = 20, cores: Int = 8,
    row: Double = 1e-4, update: Double = 1e-9, byte: Double = 1e-10, latency: Double = 1e-5
  ) -> StepMeasurement {
    var result = StepMeasurement()
    result.workload = "a <made up> one"
    result.ranks = ranks
    result.rows = rows
    result.parameters = parameters
    result.collectives = collectives
    let turns = max(1, Double(ranks) / Double(cores))
    result.times.compute = turns * row * Double(result.rowsPerRank)
    result.times.optimizer = turns * update * Double(parameters)
    if ranks > 1 {
      result.times.reduction = byte * Double(2 * ranks * parameters * 4)
      var doublings = 0
      while 1 << doublings < ranks { doublings += 1 }
      result.times.agreement = latency * Double(collectives * doublings)
    }
    result.seconds = result.times.total
    return result
  }

  @Test(arguments: [2, 8])
  func theModelFindsTheCoefficientsThatMadeItsPoints(cores: Int) throws {
    let points = [1, 2, 4, 6].map { point(ranks: $0, rows: 32 * $0, cores: cores) }
    let model = try #require(CostModel(fitting: points, cores: cores))
    #expect(abs(model.row / 1e-4 - 1) < 1e-9)
    #expect(abs(model.update / 1e-9 - 1) < 1e-9)
    #expect(abs(try #require(model.byte) / 1e-10 - 1) < 1e-9)
    #expect(abs(try #require(model.latency) / 1e-5 - 1) < 1e-9)
    // Larger numbers of ranks, and rows shared out.
    for (ranks, rows) in [(16, 512), (16, 100), (3, 32)] {
      let want = point(ranks: ranks, rows: rows, cores: cores)
      let got = try #require(model.seconds(points[0], ranks: ranks, rows: rows))
      #expect(abs(got / want.seconds - 1) < 1e-9)
    }
    // Another network on the same machine, from one rank's measurement.
    func other(_ ranks: Int) -> StepMeasurement {
      point(
        ranks: ranks, rows: 8 * ranks, parameters: 3_000_000, collectives: 5, cores: cores,
        row: 7e-4)
    }
    let got = try #require(model.with(network: other(1)).seconds(other(1), ranks: 4, rows: 32))
    #expect(abs(got / other(4).seconds - 1) < 1e-9)
  }

  @Test func aModelOfOneNumberOfRanksKnowsNothingOfCommunication() throws {
    let model = try #require(CostModel(fitting: [point(ranks: 1, rows: 32)], cores: 2))
    #expect(model.seconds(point(ranks: 1, rows: 32), ranks: 1, rows: 64) != nil)
    #expect(model.seconds(point(ranks: 1, rows: 32), ranks: 2, rows: 64) == nil)
    #expect(CostModel(fitting: [], cores: 2) == nil)
  }

  @Test func eachPointIsPredictedFromTheOthers() {
    var points = [1, 2, 4].map { point(ranks: $0, rows: 32 * $0) }
    // The last one takes twice as long as the model would have it.
    points[2].seconds *= 2
    let report = report(points, growth: .weak)
    let lines = report.lines
    #expect(abs(lines[2].error(lines[2].leftOut)! + 0.5) < 1e-9)
    #expect(abs(lines[2].error(lines[2].fitted)!) < 0.5)
    #expect(report.efficiency(points[0].samplesPerSecond, ranks: 1) == 1)
    #expect(report.rows(ranks: 16, of: points) == 512)
    #expect(report.text.contains("left out"))
  }

  @Test func aPictureShowsEveryPointTwice() throws {
    for (growth, ranks) in [
      (ScalingBenchmark.Growth.weak, [1, 2, 4]), (.strong, [2]), (.weak, []),
    ] {
      let points = ranks.map { point(ranks: $0, rows: growth == .weak ? 32 * $0 : 32) }
      let svg = report(points, growth: growth).svg()
      #expect(svg.hasPrefix("<svg xmlns=") && svg.hasSuffix("</svg>\n"))
      #expect(svg.split(separator: "<circle").count - 1 == 2 * ranks.count)
      let numbers = svg.split(separator: "dominant-baseline").joined()
      #expect(!numbers.contains("nan") && !numbers.contains("inf") && !svg.contains("<made up>"))
    }
  }

  @Test func aMeasurementIsReadAsItWasPrinted() throws {
    let written = point(ranks: 4, rows: 30)
    let read = try StepMeasurement(parsing: written.json.description)
    #expect(read.json == written.json)
    #expect(read.rowsPerRank == 8)
    #expect(throws: FormatError.self) { try StepMeasurement(parsing: "{\"ranks\":1}") }
  }

  @Test func sizesAreReadWithTheirUnits() {
    let sizes = ["4096", "64K", "1m", "2G", "K", "-1", "1.5M", "", "99999999999G"]
    #expect(
      sizes.map(AllreduceBenchmark.byteCount) == [
        4096, 65536, 1 << 20, 2 << 30, nil, nil, nil, nil, nil,
      ])
  }

  private func report(
    _ points: [StepMeasurement], growth: ScalingBenchmark.Growth
  ) -> ScalingReport {
    ScalingReport(
      points: points, others: [], growth: growth, host: .threads, predictedRanks: [8], cores: 8)
  }
}
