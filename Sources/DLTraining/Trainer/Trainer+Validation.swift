import DLCluster
import DLData

extension Trainer {
  /// Evaluates the model as it is on the validation set, every rank its share, and adds up exactly.
  func evaluate(_ validation: any Dataset) throws -> ValidationReport {
    let stepsPerEpoch = run.sampler.stepsPerEpoch
    let found = try ValidationPass(
      task: run.task, dataset: validation, transform: run.data.transform, context: run.context,
      batchSize: run.configuration.validate.batchSize ?? run.configuration.batchSize,
      metrics: run.metrics, step: run.position.step, folder: store.folder?.path,
      workers: run.configuration.data.workers
    ).run()
    return ValidationReport(
      found, step: run.position.step,
      epoch: (run.position.step + stepsPerEpoch - 1) / stepsPerEpoch, rows: validation.count)
  }
}

extension ValidateConfiguration {
  /// The metric that chooses the best: ``monitor``, else the first that the task brings, else the
  /// loss.
  func monitored(in report: ValidationReport) -> MetricResult {
    guard let monitor else { return judge == .loss ? report.lossMetric : report.main }
    if monitor == report.lossMetric.name { return report.lossMetric }
    // What is measured of no row is no number.
    return report[monitor] ?? MetricResult(monitor, .nan, higherIsBetter: false)
  }
}
