import DLFormats
import DLTensor

/// Writes `summary.json` at the end of a run.
final class SummaryObserver: TrainingObserver {
  private let path: String
  private let configuration: Configuration
  private let lease: RunLease

  init(path: String, configuration: Configuration, lease: RunLease) {
    self.path = path
    self.lease = lease
    self.configuration = configuration
  }

  func didTrain(_ report: RunReport) throws {
    // A finished run that was resumed once more has nothing new to say.
    if report.loss == nil, try File.kind(of: path) != nil { return }
    var last: [JSON.Member] = [.init("step", .integer(report.step))]
    if let loss = report.loss { last.append(.init("loss", .number(loss))) }
    if let validation = report.validation {
      last.append(.init("validation_loss", .number(validation.loss)))
      if let accuracy = validation.accuracy { last.append(.init("accuracy", .number(accuracy))) }
      last += validation.metrics.map { .init($0.name, .number($0.value)) }
    }
    var members: [JSON.Member] = [
      .init("name", .string(report.name)), .init("finished", .bool(!report.isInterrupted)),
      .init("last", .object(last)),
    ]
    if let best = report.best {
      let entries: [JSON.Member] = [
        .init("step", .integer(best.step)), .init("value", .number(best.value)),
      ]
      members.append(.init("best", .object(entries)))
    }
    members += [
      .init("ranks", .integer(report.ranks)), .init("parameters", .integer(report.parameters)),
      .init("precision", .string(configuration.precision.rawValue)),
      .init("wall_s", .number(report.seconds)),
      .init("samples_per_s", .number(report.samplesPerSecond)),
      .init("version", .string(Version.current)), .init("cpu", .string(CPU.name)),
      .init("kernel_set", .string(CPU.kernelSet)), .init("blas_core", .string(BLAS.core)),
    ]
    try lease.check()
    try File.replace(path) { try $0.write(JSON.object(members).description + "\n") }
  }
}
