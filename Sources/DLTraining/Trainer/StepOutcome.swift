import DLCluster
import DLCore

/// The outcome of one step.
struct StepOutcome {
  /// The sum of the phases' mean losses.
  var loss = 0.0
  /// The loss of each phase, where there are several.
  var parts: [(name: String, loss: Double)] = []
  /// Rows of the global batch.
  let rows: Int
  let epoch: Int
  let learningRate: Double
  /// True if any rank was told to stop.
  let stop: Bool
}

/// The totals of the steps of a run.
struct RunTotals {
  private let run: TrainingRun
  /// The time of the first step's start.
  let began = monotonicSeconds()
  private(set) var seconds = 0.0
  private(set) var rows = 0
  private let trafficBefore: CommunicationVolume
  private var trafficSoFar: CommunicationVolume

  init(_ run: TrainingRun) {
    self.run = run
    trafficBefore = run.arena.exchange.traffic
    trafficSoFar = trafficBefore
  }

  /// The bytes that went between hosts.
  var traffic: CommunicationVolume { run.arena.exchange.traffic - trafficBefore }

  /// Rows per second of training steps, all ranks together.
  var samplesPerSecond: Double { seconds > 0 ? Double(rows) / seconds : 0 }

  /// Adds the step that was just made.
  ///
  /// - Returns: its report.
  mutating func add(_ outcome: StepOutcome) -> StepReport {
    let times = StepTimes(run.clock, slowest: run.exchange.slowest)
    let traffic = run.arena.exchange.traffic
    defer { trafficSoFar = traffic }
    rows += outcome.rows
    seconds += times.total
    return StepReport(
      step: run.position.step, epoch: outcome.epoch, loss: outcome.loss,
      learningRate: outcome.learningRate, rows: outcome.rows, parts: outcome.parts, times: times,
      traffic: traffic - trafficSoFar)
  }
}
