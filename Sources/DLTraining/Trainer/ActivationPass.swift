import DLCluster
import DLData
import DLLayers
import DLTensor

/// The forward pass by which ``ActivationMemory`` foresees those of a run.
enum ActivationPass {
  /// Once through a network, row by row: of zeros.
  case network(any Layer, RunSetup)
  /// The loss of the task's first phase: of the first step's first row, as often as wanted.
  case loss(any TrainingTask, RunSetup, sample: Int, width: Int?)

  /// The pass that stands for those of a run; nil where none does.
  init?(_ setup: RunSetup, _ context: Context) throws {
    switch setup.task {
    case is WordVectorTask:
      return nil
    case is SupervisedTask, is SequentialTask, is TaggingTask, is MaskedTask:
      guard let network = setup.task.model as? any Layer else { return nil }
      self = .network(network, setup)
    default:
      guard let lengths = setup.data.train.rowLengths else {
        self = .loss(setup.task, setup, sample: 0, width: nil)
        return
      }
      // Rows are as wide as the longest of their micro-batch.
      let order = setup.sampler.samples(ofEpoch: 0, lengths: lengths)
      let places = setup.sampler.microBatch(0, of: setup.sampler.stepSizes[0])
      let repeats = setup.sampler.repeats
      let width = places.map { Int(lengths[order[$0 / repeats]]) }.max()
      self = .loss(setup.task, setup, sample: order[places.lowerBound / repeats], width: width)
    }
  }

  /// True if it goes through one network and no further.
  var isOfNetwork: Bool { if case .network = self { true } else { false } }

  /// So many rows.
  ///
  /// - Throws: where a row cannot be read, or there is no memory.
  func batch(of rows: Int, _ context: Context) throws -> Batch {
    switch self {
    case .network(_, let setup):
      return try setup.data.train.rowsOfZeros(
        rows, inputs: setup.data.transform.outputType, context: context)
    case .loss(_, let setup, let sample, let width):
      return try setup.data.train.batch(
        of: Array(repeating: sample, count: rows), setup.data.transform, context: context,
        longestRow: width)
    }
  }

  /// The pass over rows.
  ///
  /// - Throws: what network or task throw.
  func run(_ batch: Batch) throws -> Tensor {
    switch self {
    case .network(let network, _): try network(batch.x)
    case .loss(let task, _, _, _): try task.lossSum(batch, phase: 0)
    }
  }
}
