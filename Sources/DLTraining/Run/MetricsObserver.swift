import DLFormats

/// Writes `metrics.jsonl`.
final class MetricsObserver: TrainingObserver {
  private let log: MetricsLog
  private let ranks: Int
  // The first step reaches the file at once: the launcher sees by it that a run goes on.
  private var flushed = -Double.infinity

  init(_ log: MetricsLog, ranks: Int) {
    self.log = log
    self.ranks = ranks
  }

  func didStep(_ report: StepReport) throws {
    let times = report.times
    // One literal: a step is allowed few allocations.
    var members: [JSON.Member] = [
      .init("kind", .string("step")), .init("step", .integer(report.step)),
      .init("epoch", .integer(report.epoch)), .init("loss", .number(report.loss)),
      .init("lr", .number(report.learningRate)),
      .init("samples_per_s", .number(Double(report.rows) / report.seconds)),
      .init("comm_share", .number(report.times.communication / report.seconds)),
      .init("data_s", .number(times.dataWait)), .init("compute_s", .number(times.compute)),
      .init("sync_bn_s", .number(times.syncBatchNorm)), .init("agree_s", .number(times.agreement)),
      .init("reduce_s", .number(times.reduction)), .init("optimizer_s", .number(times.optimizer)),
      .init("slowest_rank", .integer(times.slowestRank)),
      .init("slowest_s", .number(times.slowest)),
    ]
    if ranks == 1 { members.removeLast(2) }
    if report.traffic.plainGradients > 0 {
      members += [
        .init("sent_bytes", .integer(report.traffic.gradients)),
        .init("uncompressed_bytes", .integer(report.traffic.plainGradients)),
        .init("parameter_bytes", .integer(report.traffic.parameters)),
      ]
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
