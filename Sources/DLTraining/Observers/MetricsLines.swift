import DLCore

extension StepReport {
  /// The step's line in `metrics.jsonl`, of a run on so many ranks.
  func metricsLine(ranks: Int) -> [JSON.Member] {
    // Room for all at once: a step is allowed few allocations.
    var members: [JSON.Member] = []
    members.reserveCapacity(12 + StepTimes.parts.count + parts.count)
    members.append(.init("kind", .string("step")))
    members.append(.init("step", .integer(step)))
    members.append(.init("epoch", .integer(epoch)))
    members.append(.init("loss", .number(loss)))
    members.append(.init("lr", .number(learningRate)))
    members.append(.init("samples_per_s", .number(Double(rows) / seconds)))
    members.append(.init("comm_share", .number(times.communication / seconds)))
    for part in StepTimes.parts {
      members.append(.init(part.name + "_s", .number(times[keyPath: part.seconds])))
    }
    if ranks > 1 {
      members.append(.init("slowest_rank", .integer(times.slowestRank)))
      members.append(.init("slowest_s", .number(times.slowest)))
    }
    if traffic.plainGradients > 0 {
      members.append(.init("sent_bytes", .integer(traffic.gradients)))
      members.append(.init("uncompressed_bytes", .integer(traffic.plainGradients)))
      members.append(.init("parameter_bytes", .integer(traffic.parameters)))
    }
    for part in parts { members.append(.init("loss_" + part.name, .number(part.loss))) }
    return members
  }
}

extension ValidationReport {
  /// The validation's line in `metrics.jsonl`.
  var metricsLine: [JSON.Member] {
    let head: [JSON.Member] = [
      .init("kind", .string("validation")), .init("step", .integer(step)),
      .init("epoch", .integer(epoch)), .init("loss", .number(loss)),
    ]
    return head + metrics.map(\.member)
  }
}
