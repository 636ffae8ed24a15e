import CKernels
import DLCluster
import DLCore
import DLData
import DLFormats
import DLJobs
import DLLayers
import DLTensor
import DLTraining

/// Measures optimizer steps of a configuration on made-up rows; writes nothing.
package struct StepBenchmark: Sendable {
  /// Ranks; nil for what the processes or cores give.
  package var ranks: Int?
  /// Rows per rank; nil for the configuration's batch over all ranks.
  package var rowsPerRank: Int?
  /// Steps to measure.
  package var steps = 50
  /// Steps before them that are not counted.
  package var warmUpSteps = 10

  /// The way of gradients between the processes of a host.
  package var reduction = ReductionPath.shared

  /// True to take the time of each op.
  package var profiles = false

  /// Makes a benchmark of 50 steps.
  package init() {}

  /// Runs it on all ranks of the world; the time of a step is the slowest rank's median.
  ///
  /// - Parameters:
  ///   - workload: its name in the result.
  ///   - configuration: the job, its data already replaced by `synthetic`; read on every process.
  /// - Returns: one JSON object on one line, and below it the table of ops where ops are timed.
  /// - Throws: `RankFailure` on every process, where a number is out of range or `configuration`
  ///   throws; what the ranks throw, as ``World/run(ranks:virtualRanks:reduction:_:)`` says.
  package func run(in world: World, workload: String, configuration: () throws -> Configuration)
    throws
    -> String
  {
    let result = try measure(in: world, workload: workload, configuration: configuration)
    let table = result.profile.map { "\n\n" + $0.text(columns: Terminal.width) }
    return result.json.description + (table ?? "")
  }

  /// The same, as values.
  func measure(in world: World, workload: String, configuration: () throws -> Configuration)
    throws -> StepMeasurement
  {
    let benchmark = self
    let task = world.program.task
    let job = try world.agreed("read the configuration") {
      for (name, value) in [
        ("ranks", ranks), ("rows per rank", rowsPerRank), ("steps", steps),
      ] {
        guard let value else { continue }
        guard (1...10_000_000).contains(value) else {
          throw UsageError("\(name) \(value): give 1 to 10000000")
        }
      }
      return try configuration()
    }
    var result = try world.run(
      ranks: ranks, virtualRanks: job.virtualRanks, reduction: reduction
    ) { communicator in
      try benchmark.measure(job, task, communicator)
    }
    result.workload = workload
    return result
  }

  private func measure(
    _ job: Configuration, _ task: TaskFactory?, _ communicator: any Communicator
  ) throws -> StepMeasurement {
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
    options.profiles = profiles
    let recorder = StepRecorder(skipping: warmUpSteps)
    let trainer = try Trainer(
      job, options: options, communicator: communicator, observers: [recorder], task: task)
    recorder.profile = trainer.profile
    _ = try trainer.train()
    let own = recorder.seconds
    var result = StepMeasurement()
    result.ranks = communicator.size
    result.rows = job.batchSize
    result.parameters = trainer.parameterCount
    result.precision = job.precision
    result.stateBytes = try communicator.allgather([trainer.stateBytes]).max() ?? 0
    let norms = trainer.arena.modules.filter { $0 is BatchNorm }.count
    result.collectives =
      trainer.collectives
      + (job.syncBatchNorm ? 2 * norms * trainer.passes * job.accumulate : 0)
    result.seconds = try communicator.allgather([own]).max() ?? own
    result.times = recorder.medians
    result.traffic = recorder.traffic
    result.profile = recorder.table
    result.blasCore = BLAS.core
    result.kernelSet = CPU.kernelSet
    return result
  }
}

/// Keeps the times of steps, on every rank.
private final class StepRecorder: TrainingObserver {
  let observesEveryRank = true
  private let skipped: Int
  private var times: [StepTimes] = []
  /// Counts ops from the first step on that is not skipped.
  var profile: OpProfile?
  /// The bytes that the last step sent.
  private(set) var traffic = CommunicationVolume()

  init(skipping count: Int) { skipped = count }

  func didStep(_ report: StepReport) {
    dl_count_mark()
    if report.step > skipped { times.append(report.times) }
    if report.step == skipped { profile?.restart() }
    traffic = report.traffic
  }

  /// The table of the time of all steps; nil unless ops were timed.
  var table: ProfileTable? {
    guard let profile else { return nil }
    var sum = StepTimes()
    for step in times { sum.add(step) }
    return ProfileTable(profile.rows, sum, steps: times.count)
  }

  /// The median of each part.
  var medians: StepTimes { .medians(times) }

  /// The median of whole steps in seconds.
  var seconds: Double { StepTimes.median(times.map(\.total)) }
}
