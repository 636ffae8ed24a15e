import DLCluster
import DLCore
import DLData
import DLLayers
import DLTensor

/// What layers put out in a forward pass and keep for the backward pass, against the memory that
/// there is.
///
/// A lower bound: of each layer that gradients flow through, only its output counts, memory that
/// several share only once, as one row in evaluation mode shows them. So no job is refused that could
/// run; what ops keep besides is not foreseen.
struct ActivationMemory: Equatable {
  /// Bytes of all outputs.
  private(set) var bytes = CheckedSize(0)
  /// Elements of the largest.
  private(set) var elements = CheckedSize(0)

  /// Runs `body` with no more memory for tensors than there is: the system gives more, and ends the
  /// process that uses it.
  ///
  /// - Throws: `TensorError` for a tensor that exceeds it.
  static func limited<R>(_ context: Context, _ body: () throws -> R) throws -> R {
    let limit = CheckedSize(context.pool.bytes) + CheckedSize(MachineMemory.availableBytes)
    context.pool.limit = limit.value
    defer { context.pool.limit = .max }
    return try body()
  }

  /// Throws where the outputs of the first step's largest micro-batch exceed the memory that is left,
  /// or a tensor what one can hold.
  ///
  /// - Throws: `DataError`; `TensorError` where one row alone exceeds it.
  static func check(_ setup: RunSetup, _ context: Context) throws {
    guard let network = setup.chainedNetwork, setup.totalSteps > 0 else { return }
    let sharding = setup.sharding
    let accumulate = setup.sampler.accumulate
    // Behind all whole steps, if there are any, comes one of another size.
    let step = setup.sampler.stepSizes[0]
    let micro = step / accumulate + (step % accumulate == 0 ? 0 : 1)
    let shares = sharding.counts(in: micro)
    let rows = shares[context.communicator.rank]
    guard rows > 0 else { return }
    let one = try limited(context) { try kept(1, network, setup, context) }
    guard one.exceeds(rows, fewest: shares.min() ?? 0) != nil else { return }
    // What does not grow with the rows, such as a table of positions, is left out.
    var perRow = one
    if rows > 1, (one.bytes * 2).value <= MachineMemory.availableBytes {
      let two = try limited(context) { try kept(2, network, setup, context) }
      perRow.bytes = CheckedSize(two.bytes.value - one.bytes.value)
      perRow.elements = CheckedSize(two.elements.value - one.elements.value)
    }
    if let error = perRow.exceeds(rows, fewest: shares.min() ?? 0) { throw error }
  }

  /// What is wrong with so many rows on this rank, and at least as many as the fewest on each; nil for
  /// nothing.
  private func exceeds(_ rows: Int, fewest: Int) -> (any Error)? {
    let what = "batch_size: what the layers put out for \(counted(rows, "row"))"
    let advice = "lower it, raise accumulate, use more ranks, or smaller layers"
    if (elements * rows).value > Int(Int32.max) {
      return DataError(
        "\(what): one tensor has \((elements * rows).value) elements, \(Int32.max) is the most; "
          + advice)
    }
    do {
      // The memory of one row is there already.
      try (bytes * (rows - 1)).checkMemory(for: what, advice: advice)
      try (bytes * fewest).checkMemory(
        for: "batch_size: what the layers put out for \(counted(fewest, "row")) on a rank",
        advice: advice, isOfEachRank: true)
      return nil
    } catch {
      return error
    }
  }

  /// What is kept of rows of zeros.
  private static func kept(
    _ rows: Int, _ network: any Layer, _ setup: RunSetup, _ context: Context
  ) throws -> Self {
    let x = try setup.data.train.rowsOfZeros(
      rows, inputs: setup.data.transform.outputType, context: context
    ).x
    var outputs: [Range<UInt>] = []
    var result = Self()
    // The tape holds them until it is thrown away, so that no two have the same place by chance.
    context.layerObserver = { _, _, output in
      guard output.requiresGradient, output.shape.rank > 0, output.shape[0] == rows else { return }
      let start = UInt(bitPattern: output.pointer)
      outputs.append(start..<start + UInt(output.byteCount))
      result.elements = max(result.elements, CheckedSize(output.count))
    }
    defer {
      context.layerObserver = nil
      context.discardTape()
    }
    _ = try context.recording { try network(x) }
    var end: UInt = 0
    for output in outputs.sorted(by: { $0.lowerBound < $1.lowerBound })
    where output.upperBound > end {
      let own = output.upperBound - max(output.lowerBound, end)
      result.bytes = result.bytes + CheckedSize(Int(own))
      end = output.upperBound
    }
    return result
  }
}

extension RunSetup {
  /// The network where a pass of the task goes through it once, row by row; nil where it may not.
  fileprivate var chainedNetwork: (any Layer)? {
    guard task is SupervisedTask || task is SequentialTask else { return nil }
    return task.model as? any Layer
  }
}
