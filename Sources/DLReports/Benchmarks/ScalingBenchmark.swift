import CSystem
import DLCluster
import DLCore
import DLFormats
import DLJobs
import DLTraining

/// Measures optimizer steps at several numbers of ranks and fits ``CostModel`` to them.
package struct ScalingBenchmark: Sendable {
  /// The growth of the rows with the ranks.
  package enum Growth: Sendable {
    /// Rows per rank stay: `batch_size` is that of a rank.
    case weak
    /// Rows of a step stay: `batch_size` is shared out.
    case strong
  }

  /// The forms that a rank can have.
  package enum Host: Sendable {
    /// A thread of this process.
    case threads
    /// A process under mpirun.
    case processes
  }

  /// Numbers of ranks.
  package var ranks = [1, 2]
  /// Numbers of ranks to predict a step for, besides those measured.
  package var predictedRanks: [Int] = []
  /// The growth of the rows with the ranks.
  package var growth = Growth.weak
  /// The form of a rank.
  package var host = Host.threads
  /// The arguments with which this program measures steps of a workload in one process of several,
  /// so many rows on each rank unless nil, and prints a ``StepMeasurement``.
  package var arguments: @Sendable (_ workload: String, _ steps: Int, _ rows: Int?) -> [String] = {
    _, _, _ in []
  }
  /// Steps to measure.
  package var steps = 50

  /// Makes a benchmark on 1 and 2 ranks.
  package init() {}

  /// Measures a workload at each number of ranks, and others to see whether its costs of
  /// communication hold for them too.
  ///
  /// - Parameters:
  ///   - configuration: the job of a name, its data already replaced by `synthetic`.
  /// - Throws: `UsageError` under a launcher, since the ranks are started here.
  package func run(
    in world: World, workload: String, others: [String] = [],
    configuration: (String) throws -> Configuration
  ) throws -> ScalingReport {
    guard !world.isLaunched else {
      throw UsageError("bench scaling starts the ranks itself, call it without mpirun")
    }
    for count in ranks + predictedRanks where !(1...100_000).contains(count) {
      throw UsageError("ranks \(count): give 1 to 100000")
    }
    guard !ranks.isEmpty, (1...1_000_000).contains(steps) else {
      throw UsageError("give at least one number of ranks, and 1 to 1000000 steps")
    }
    let points = try measure(workload, in: world, configuration)
    let comparisons = try others.map { try measure($0, in: world, configuration) }
    return ScalingReport(
      points: points, others: comparisons, growth: growth, host: host,
      predictedRanks: predictedRanks, cores: Int(dl_cores_in_mask()))
  }

  private func measure(
    _ workload: String, in world: World, _ configuration: (String) throws -> Configuration
  ) throws -> [StepMeasurement] {
    let job = try configuration(workload)
    return try Set(ranks).sorted().map { count in
      let rows = growth == .weak ? job.batchSize : nil
      switch host {
      case .threads:
        var benchmark = StepBenchmark()
        benchmark.ranks = count
        benchmark.rowsPerRank = rows
        benchmark.steps = steps
        benchmark.warmUpSteps = min(benchmark.warmUpSteps, steps)
        return try benchmark.measure(in: world, workload: workload) { job }
      case .processes:
        let output = try MPIProgram.output(of: arguments(workload, steps, rows), processes: count)
        return try StepMeasurement(parsing: output)
      }
    }
  }
}
