import DLFormats

/// Writes `metrics.jsonl`.
final class MetricsObserver: TrainingObserver {
  private let log: MetricsLog
  private let ranks: Int
  private var flushed = monotonicSeconds()

  init(_ log: MetricsLog, ranks: Int) {
    self.log = log
    self.ranks = ranks
  }

  func didStep(_ report: StepReport) throws {
    var members: [JSON.Member] = [
      .init("kind", .string("step")), .init("step", .integer(report.step)),
      .init("epoch", .integer(report.epoch)), .init("loss", .number(report.loss)),
      .init("lr", .number(report.learningRate)),
      .init("samples_per_s", .number(Double(report.rows) / report.seconds)),
      .init("comm_share", .number(report.times.communication / report.seconds)),
    ]
    let times = report.times
    for (key, seconds) in [
      ("data_s", times.dataWait), ("compute_s", times.compute),
      ("sync_bn_s", times.syncBatchNorm), ("agree_s", times.agreement),
      ("reduce_s", times.reduction), ("optimizer_s", times.optimizer),
    ] {
      members.append(.init(key, .number(seconds)))
    }
    if ranks > 1 {
      members.append(.init("slowest_rank", .integer(times.slowestRank)))
      members.append(.init("slowest_s", .number(times.slowest)))
    }
    for part in report.parts { members.append(.init("loss_" + part.name, .number(part.loss))) }
    try log.append(members)
    let now = monotonicSeconds()
    if now - flushed > 1 {
      flushed = now
      try log.flush()
    }
  }

  func didValidate(_ report: ValidationReport) throws {
    var members: [JSON.Member] = [
      .init("kind", .string("validation")), .init("step", .integer(report.step)),
      .init("epoch", .integer(report.epoch)), .init("loss", .number(report.loss)),
    ]
    if let accuracy = report.accuracy { members.append(.init("accuracy", .number(accuracy))) }
    for metric in report.metrics { members.append(.init(metric.name, .number(metric.value))) }
    try log.append(members)
    try log.flush()
  }

  func willSave() throws { try log.flush() }

  func didTrain(_ report: RunReport) throws { try log.flush() }
}
