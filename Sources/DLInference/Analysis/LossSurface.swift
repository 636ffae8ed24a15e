import DLCluster
import DLCore
import DLData
import DLLayers
import DLTensor
import DLTraining

/// The mean loss of a network over a set of rows as a function of its parameters, in float64 and in
/// evaluation mode: batch norm by its running statistics, no dropout.
///
/// Vectors lie as the parameters' arena does. Every rank has one and makes the same calls; results
/// have the same bits on all ranks, and whatever their number.
package final class LossSurface {
  package let network: LoadedNetwork
  /// The name of the data.
  package let data: String
  package let deal: BatchDeal
  /// The rows of the data set.
  package let rowsOfData: Int
  /// The denominator of the loss over all rows.
  package private(set) var denominator = 0.0
  let dataset: any Dataset
  let transform: InputTransform
  /// This rank's batches by their number.
  private var batches: [Int: Batch] = [:]

  var context: Context { network.context }
  var arena: ParameterArena { network.arena }
  var task: any TrainingTask { network.task }
  /// Elements of a vector, gaps included.
  var count: Int { arena.count }

  /// The rows that are taken unless a number is given.
  package static let defaultRows = 4096

  /// Opens a run's network and reads rows of the data; collective.
  ///
  /// - Parameters:
  ///   - data: the file; the run's training set unless given.
  ///   - rows: how many rows, drawn by the run's seed; nil for ``defaultRows``.
  /// - Throws: `RankFailure`, the same on every rank.
  package init(_ run: LoadedRun, data: String?, rows: Int?, communicator: any Communicator) throws {
    let chosen = try communicator.agreed("open the run") {
      try RunRows(run, .training, named: data)
    }
    let path = chosen.path
    let statistics = try TrainingData.statistics(of: [path], over: communicator)
    let opened = try communicator.agreed("open the run") {
      let network = try LoadedNetwork(run, precision: .float64, communicator: communicator)
      try LossSurface.check(network.task, run.folder)
      let configuration = network.configuration
      let dataset = try chosen.open(
        data == nil ? .training : .test, network, source: run.folder, statistics: statistics)
      try TrainingData.checkLabels(of: dataset, configuration.loss)
      let transform = try TrainingData.transform(of: dataset, configuration)
      try network.checkValues(of: dataset, transform)
      return (network: network, dataset: dataset, transform: transform)
    }
    (network, dataset, transform) = opened
    self.data = path.isEmpty ? "data.synthetic" : path
    rowsOfData = dataset.count
    let configuration = network.configuration
    deal = BatchDeal(
      count: dataset.count, rows: rows ?? LossSurface.defaultRows, seed: configuration.seed,
      batchSize: min(configuration.validate.batchSize ?? configuration.batchSize, 256),
      communicator: communicator)
    try communicator.agreed("read the rows of \(self.data)") { try readRows() }
    denominator = try sum(1, "read the labels") { batch, into in
      into[0] += try task.denominator(batch, phase: 0)
    }.scalar
    guard denominator != 0 else {
      throw DataError(
        "\(self.data): none of its labels counts; name another data set (\(OptionName.data) FILE)")
    }
  }

  private static func check(_ task: any TrainingTask, _ folder: String) throws {
    guard task.phases.count == 1 else {
      throw UsageError(
        "\(folder): its network has several losses, analyze looks at one; name a run with one loss")
    }
    guard !task.carriesState else {
      throw UsageError(
        "\(folder): its loss depends on the batches before, which no set of rows has; train it "
          + "with data.order: shuffled to analyze it")
    }
  }

  private func readRows() throws {
    let mine = deal.mine
    let rows = mine.reduce(0) { $0 + deal.batches[$1].count }
    let width = dataset.inputByteCount + 8 * (dataset.inputCount + dataset.labelCount)
    try (CheckedSize(rows) * width).checkMemory(
      for: "\(OptionName.rows): \(counted(rows, "row")) on rank \(context.communicator.rank)",
      advice: "give fewer rows or use more ranks")
    for index in mine { batches[index] = try read(index) }
  }

  /// Reads a batch.
  func read(_ batch: Int) throws -> Batch {
    try dataset.batch(of: deal.rows(of: batch), transform, context: context)
  }

  /// Sums over all batches what `add` adds for one to `count` numbers, which begin at 0; collective.
  func sum(
    _ count: Int, _ what: String,
    add: (_ batch: Batch, _ into: UnsafeMutablePointer<Double>) throws -> Void
  ) throws -> Tensor {
    try deal.sum(count, what, context: context) { range in
      let sums = try Tensor.zeros([count], dtype: .float64, context: context)
      for index in range {
        try add(held(index), sums.pointer.assumingMemoryBound(to: Double.self))
      }
      return sums
    }
  }

  /// One of this rank's batches, ready for a forward pass.
  func held(_ index: Int) throws -> Batch {
    context.beginForward(rowOffset: deal.batches[index].lowerBound)
    return try batches[index] ?? read(index)
  }
}

extension LossSurface {
  /// The mean loss at the present weights; collective.
  ///
  /// - Throws: `RankFailure`, the same on every rank, where a pass over a batch fails;
  ///   `ClusterError` where a rank is lost.
  package func loss() throws -> Double {
    try sum(1, "compute the loss") { batch, into in
      into[0] += try task.lossSum(batch, phase: 0).scalar
    }.scalar / denominator
  }

  /// The mean loss and its gradient at the present weights; collective.
  ///
  /// - Throws: `RankFailure`, the same on every rank, where a pass over a batch fails;
  ///   `ClusterError` where a rank is lost; `TensorError` without memory for the vector.
  package func gradient() throws -> (loss: Double, vector: Tensor) {
    let sums = try deal.sum(count + 1, "compute the gradient", context: context) { range in
      arena.resetGradients()
      let result = try Tensor.zeros([count + 1], dtype: .float64, context: context)
      var total = 0.0
      for index in range {
        let batch = try held(index)
        let sum = try context.recording { try task.lossSum(batch, phase: 0) }
        total += sum.scalar
        try context.backward(sum, seed: 1 / denominator)
      }
      arena.completeGradients()
      result.pointer.copyMemory(from: arena.gradients, byteCount: count * 8)
      result.pointer.assumingMemoryBound(to: Double.self)[count] = total
      return result
    }
    return (
      sums.pointer.assumingMemoryBound(to: Double.self)[count] / denominator,
      try sums.narrow(0, start: 0, length: count)
    )
  }

  /// A copy of the present weights.
  package var weights: Tensor {
    get throws {
      let copy = try Tensor.empty([count], dtype: .float64, context: context)
      copy.pointer.copyMemory(from: arena.values, byteCount: count * 8)
      return copy
    }
  }

  /// Goes to other weights.
  package func move(to weights: Tensor) {
    arena.values.copyMemory(from: weights.pointer, byteCount: count * 8)
  }

  /// The parameters that learn, with the place of each in a vector.
  var learning: [(parameter: Parameter, offset: Int)] {
    zip(arena.parameters, arena.offsets).filter { $0.0.requiresGradient }.map { ($0, $1) }
  }

  /// The elements of the parameters that learn.
  package var dimensions: Int { learning.reduce(0) { $0 + $1.parameter.shape.count } }

  /// Makes a vector from numbers for each element of each parameter that learns; 0 elsewhere.
  func vector(_ values: (Parameter) throws -> [Double]) throws -> Tensor {
    let vector = try Tensor.zeros([count], dtype: .float64, context: context)
    for (parameter, offset) in learning {
      try part(of: vector, parameter, offset).assign(values(parameter))
    }
    return vector
  }

  /// A parameter's elements of a vector, in the vector's memory.
  func part(of vector: Tensor, _ parameter: Parameter, _ offset: Int) -> Tensor {
    Tensor(
      borrowing: vector.pointer + offset * 8, shape: parameter.shape, dtype: .float64,
      owner: vector, context: context)
  }

  /// Normal random numbers, keyed by the run's seed, a name and the parameters' names.
  ///
  /// - Throws: `TensorError` without memory for the vector.
  package func randomVector(_ name: String) throws -> Tensor {
    let key = RandomKey(network.configuration.seed).child("analysis").child(name)
    return try vector { parameter in
      var stream = RandomStream(key.child(parameter.name))
      return (0..<parameter.shape.count).map { _ in stream.normal() }
    }
  }
}

extension Tensor {
  /// The inner product of two vectors.
  func dot(_ other: Tensor) throws -> Double { try (self * other).sum().scalar }

  /// The Euclidean norm.
  var norm: Double { get throws { try dot(self).squareRoot() } }
}
