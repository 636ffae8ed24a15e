import DLCluster
import DLConfiguration
import DLCore
import DLLayers

/// The metrics of a run, each with its sums.
package struct MetricSet: Sendable {
  private struct Entry: Sendable {
    let metric: any MetricSpec
    var sums: MetricSums
  }

  private var entries: [Entry] = []
  /// The number of those that the task brings itself, before those that the configuration names.
  private let defaultCount: Int

  /// No metrics.
  init() { defaultCount = 0 }

  /// Makes the metrics of a job.
  ///
  /// - Parameters:
  ///   - defaults: what the task is measured by without a word.
  ///   - validate: the section that names others, and what chooses the best.
  /// - Throws: `UsageError` for a metric that does not fit what the model predicts, with its line, and
  ///   for a `monitor` that is no number of the run.
  package init(
    _ defaults: [any MetricSpec], _ validate: ValidateConfiguration, for task: MetricTask
  ) throws {
    entries = try defaults.map { Entry(metric: $0, sums: try $0.sums(for: task)) }
    defaultCount = entries.count
    for named in validate.metrics
    where !entries.contains(where: { $0.metric.name == named.metric.name }) {
      do {
        entries.append(Entry(metric: named.metric, sums: try named.metric.sums(for: task)))
      } catch let misfit as MetricMisfit {
        let place = named.line > 0 ? " (line \(named.line))" : ""
        throw UsageError(
          "validate.metrics\(place): \(named.word) \(misfit); leave it out, or name another")
      }
    }
    guard let monitor = validate.monitor, monitor != "loss" else { return }
    let numbers =
      entries.map { $0.metric.result($0.sums) }.filter(\.isNumber).map(\.name) + ["loss"]
    guard numbers.contains(monitor) else {
      throw UsageError(
        "validate.monitor: \(quoted(monitor)) is none of this job's figures, which are "
          + "\(numbers.joined(separator: ", ")); name it in validate.metrics")
    }
  }

  /// Adds this rank's rows of a batch.
  ///
  /// - Throws: ``MetricMisfit`` where a metric cannot judge what the model predicts.
  package mutating func add(_ batch: MetricBatch) throws {
    for index in entries.indices {
      try entries[index].metric.add(batch, to: &entries[index].sums)
    }
  }

  /// Adds what all ranks have; every rank makes the call.
  ///
  /// - Throws: `RankFailure` where a rank is lost.
  package mutating func reduce(over communicator: any Communicator) throws {
    for index in entries.indices { try entries[index].sums.reduce(over: communicator) }
  }

  /// The results of the task's own metrics by their sums; a share of nothing is none.
  package var defaults: [MetricResult] {
    entries.prefix(defaultCount).map { $0.metric.result($0.sums) }.filter {
      if case .share(_, of: 0) = $0.content { false } else { true }
    }
  }

  /// The results of the metrics that the configuration names besides.
  package var named: [MetricResult] {
    entries.dropFirst(defaultCount).map { $0.metric.result($0.sums) }
  }

  /// The name of what the task is measured by, for the head of a table; nil for the accuracy, or none.
  var ownColumn: String? {
    entries.prefix(defaultCount).first.map(\.metric.name).flatMap {
      $0 == Accuracy.word ? nil : $0
    }
  }

  /// The names of the named metrics that are one number each.
  var namedColumns: [String] { named.filter(\.isNumber).map(\.name) }
}
