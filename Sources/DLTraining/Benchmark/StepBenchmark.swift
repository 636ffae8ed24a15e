import DLCluster
import DLData
import DLFormats
import DLTensor

/// Measures optimizer steps of a configuration on made-up rows; writes nothing.
public struct StepBenchmark: Sendable {
  /// Ranks; nil for what the processes or cores give.
  public var ranks: Int?
  /// Rows per rank; nil for the configuration's batch over all ranks.
  public var rowsPerRank: Int?
  /// Steps to measure.
  public var steps = 50
  /// Steps before them that are not counted.
  public var warmUpSteps = 10

  /// The way of gradients between the processes of a host.
  public var reduction = ReductionPath.shared

  /// Makes a benchmark of 50 steps.
  public init() {}

  /// Runs it on all ranks of the world; the time of a step is the slowest rank's median.
  ///
  /// - Parameters:
  ///   - workload: its name in the result.
  ///   - configuration: the job, its data already replaced by `synthetic`; read on every process.
  /// - Returns: one JSON object on one line.
  public func run(in world: World, workload: String, configuration: () throws -> Configuration)
    throws
    -> String
  {
    let benchmark = self
    let job = try world.agreed("read the configuration") {
      for (name, value) in [
        ("--ranks", ranks), ("--batch-per-rank", rowsPerRank), ("--steps", steps),
      ] {
        guard let value else { continue }
        guard (1...10_000_000).contains(value) else {
          throw UsageError("\(name) \(value): give 1 to 10000000")
        }
      }
      return try configuration()
    }
    let result = try world.run(
      ranks: ranks, virtualRanks: job.virtualRanks, reduction: reduction
    ) { communicator in
      try benchmark.measure(job, communicator)
    }
    return JSON.object([
      .init("workload", .string(workload)), .init("ranks", .integer(result.ranks)),
      .init("threads_per_rank", 1),
      .init("rows_per_rank", .integer((result.rows + result.ranks - 1) / result.ranks)),
      .init("precision", .string(job.precision.rawValue)),
      .init("step_ms", .number(result.seconds * 1e3)),
      .init("samples_per_s", .number(Double(result.rows) / result.seconds)),
      .init("blas_core", .string(BLAS.core)), .init("kernel_set", .string(CPU.kernelSet)),
    ]).description
  }

  private struct Result: Sendable {
    let ranks: Int
    let rows: Int
    let seconds: Double
  }

  private func measure(_ job: Configuration, _ communicator: any Communicator) throws -> Result {
    var job = job
    if let rowsPerRank { job.batchSize = rowsPerRank * communicator.size }
    job.accumulate = min(job.accumulate, job.batchSize)
    job.epochs = nil
    job.steps = warmUpSteps + steps
    job.data.validation = nil
    // Whole batches only, and enough of them that reading is like reading a file.
    let (rows, overflow) = job.batchSize.multipliedReportingOverflow(by: 8)
    job.data.synthetic?.rows = max(overflow ? Int.max : rows, 1024)
    job.data.lastBatch = .drop
    var options = TrainingOptions()
    options.writesRun = false
    let times = StepRecorder(skipping: warmUpSteps)
    _ = try Trainer(job, options: options, communicator: communicator, observers: [times]).run()
    let medians = try communicator.allgather([times.median])
    return Result(
      ranks: communicator.size, rows: job.batchSize, seconds: medians.max() ?? times.median)
  }
}

/// Keeps the times of steps, on every rank.
private final class StepRecorder: TrainingObserver {
  let observesEveryRank = true
  private let skipped: Int
  private var seconds: [Double] = []

  init(skipping count: Int) { skipped = count }

  func didStep(_ report: StepReport) {
    if report.step > skipped { seconds.append(report.seconds) }
  }

  var median: Double {
    let sorted = seconds.sorted()
    guard let middle = sorted.isEmpty ? nil : sorted.count / 2 else { return 0 }
    return sorted.count % 2 == 1 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2
  }
}

extension Configuration {
  /// The same job on made-up rows like those of its training set.
  ///
  /// - Throws: `FormatError` or `DataError` where the training set cannot be opened.
  public func withSyntheticData() throws -> Configuration {
    guard data.synthetic == nil else { return self }
    let dataset = try TrainingData.open(data.train ?? "", .training, self)
    guard let classes = dataset.classCount, dataset.inputType != .int32 else {
      throw DataError(
        "\(data.train ?? ""): only images or features with classes can be made up, set data.synthetic"
      )
    }
    var result = self
    var synthetic = SyntheticConfiguration()
    synthetic.shape = dataset.inputShape
    synthetic.classes = classes
    result.data.synthetic = synthetic
    result.data.train = nil
    return result
  }
}
