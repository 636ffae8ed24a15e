import DLCore
import DLFormats

/// Writes `metrics.jsonl`.
final class MetricsObserver: TrainingObserver {
  private let record: RunRecord
  private let ranks: Int
  // The first step reaches the file at once: the launcher sees by it that a run goes on.
  private var flushed = -Double.infinity

  init(_ record: RunRecord, ranks: Int) {
    self.record = record
    self.ranks = ranks
  }

  func didStep(_ report: StepReport) throws {
    let times = report.times
    // Room for all at once: a step is allowed few allocations.
    var members: [JSON.Member] = []
    members.reserveCapacity(12 + StepTimes.parts.count + report.parts.count)
    members.append(.init("kind", .string("step")))
    members.append(.init("step", .integer(report.step)))
    members.append(.init("epoch", .integer(report.epoch)))
    members.append(.init("loss", .number(report.loss)))
    members.append(.init("lr", .number(report.learningRate)))
    members.append(.init("samples_per_s", .number(Double(report.rows) / report.seconds)))
    members.append(.init("comm_share", .number(times.communication / report.seconds)))
    for part in StepTimes.parts {
      members.append(.init(part.name + "_s", .number(times[keyPath: part.seconds])))
    }
    if ranks > 1 {
      members.append(.init("slowest_rank", .integer(times.slowestRank)))
      members.append(.init("slowest_s", .number(times.slowest)))
    }
    let traffic = report.traffic
    if traffic.plainGradients > 0 {
      members.append(.init("sent_bytes", .integer(traffic.gradients)))
      members.append(.init("uncompressed_bytes", .integer(traffic.plainGradients)))
      members.append(.init("parameter_bytes", .integer(traffic.parameters)))
    }
    for part in report.parts { members.append(.init("loss_" + part.name, .number(part.loss))) }
    try record.append(members)
    let now = monotonicSeconds()
    if now - flushed > 1 {
      flushed = now
      try record.flush()
    }
  }

  func didValidate(_ report: ValidationReport) throws {
    var members: [JSON.Member] = [
      .init("kind", .string("validation")), .init("step", .integer(report.step)),
      .init("epoch", .integer(report.epoch)), .init("loss", .number(report.loss)),
    ]
    members += report.metrics.map(\.member)
    try record.append(members)
    try record.flush()
  }

  func willSave() throws { try record.flush() }
}
