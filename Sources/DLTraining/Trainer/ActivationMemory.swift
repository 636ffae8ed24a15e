import DLCluster
import DLCore
import DLData
import DLLayers
import DLTensor

/// The memory that a forward pass puts out and keeps for the backward pass, against what there is.
///
/// A lower bound, so that no job is refused that could run. Where a step goes through one network, of
/// each layer that gradients flow through its output counts, memory that several share only once, as
/// rows of zeros show them; what ops keep besides is not foreseen. In all other tasks everything that
/// is kept for the first phase's loss counts, as the first row of the first step shows it.
///
/// Nothing can be foreseen of word vectors: what a row keeps is as many pairs as its words give.
struct ActivationMemory: Equatable {
  /// Bytes that are kept.
  private(set) var bytes = CheckedSize(0)
  /// Elements of the largest layer's output.
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

  /// Throws where the first step's largest micro-batch exceeds the memory that is left, or a tensor
  /// what one can hold.
  ///
  /// - Parameter sharding: how a batch is dealt out to ranks of which none is there but this one; nil
  ///   for the run's own ranks.
  /// - Throws: `DataError`; `TensorError` where one row alone exceeds it.
  static func check(
    _ setup: RunSetup, _ context: Context, sharding: BatchSharding? = nil
  ) throws {
    guard let pass = try ActivationPass(setup, context), setup.totalSteps > 0 else { return }
    let accumulate = setup.sampler.accumulate
    // Behind all whole steps, if there are any, comes one of another size.
    let step = setup.sampler.stepSizes[0]
    let micro = step / accumulate + (step % accumulate == 0 ? 0 : 1)
    let shares = (sharding ?? setup.sharding).counts(in: micro)
    let rows = sharding == nil ? shares[context.communicator.rank] : shares.max() ?? 0
    let fewest = shares.min() ?? 0
    if pass.isOfNetwork, rows == 0 { return }
    let one: Self
    do {
      one = try limited(context) { try kept(1, pass, context) }
    } catch  where !pass.isOfNetwork && (error as? TensorError)?.exitCode != .fault {
      // What a loss makes of a row is told where the step comes to it.
      return
    }
    // A loss may ask all ranks for something, so that all go through it as often.
    let isTwice =
      !pass.isOfNetwork
      || rows > 1 && one.exceeds(rows, fewest: fewest) != nil
        && (one.bytes * 2).value <= MachineMemory.availableBytes
    var (perRow, fixed) = (one, CheckedSize(0))
    if isTwice, let two = try? limited(context, { try kept(2, pass, context) }) {
      // What does not grow with the rows, such as a table of positions, counts once.
      perRow.bytes = CheckedSize(two.bytes.value - one.bytes.value)
      perRow.elements = CheckedSize(two.elements.value - one.elements.value)
      fixed = CheckedSize(one.bytes.value - perRow.bytes.value)
    }
    if let error = perRow.exceeds(rows, fewest: fewest, fixed: fixed) { throw error }
  }

  /// The bytes that a pass over so many rows keeps; nil where nothing can be foreseen.
  ///
  /// - Throws: what the pass throws.
  static func foreseen(_ rows: Int, _ setup: RunSetup, _ context: Context) throws -> CheckedSize? {
    guard let pass = try ActivationPass(setup, context) else { return nil }
    let (one, two) = (try kept(1, pass, context), try kept(2, pass, context))
    return one.bytes + CheckedSize(two.bytes.value - one.bytes.value) * (rows - 1)
  }

  /// The fault of so many rows on this rank, and at least as many as the fewest on each; nil for
  /// nothing.
  private func exceeds(
    _ rows: Int, fewest: Int, fixed: CheckedSize = CheckedSize(0)
  ) -> (any Error)? {
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
      try (fixed + bytes * fewest).checkMemory(
        for: "batch_size: what the layers put out for \(counted(fewest, "row")) on a rank",
        advice: advice, isOfEachRank: true)
      return nil
    } catch {
      return error
    }
  }

  /// The bytes that a pass keeps of so many rows.
  private static func kept(_ rows: Int, _ pass: ActivationPass, _ context: Context) throws -> Self {
    let batch = try pass.batch(of: rows, context)
    let isTraining = context.isTraining
    context.isTraining = false
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
      context.isTraining = isTraining
    }
    let before = context.pool.heldBytes
    let last = try context.recording { try pass.run(batch) }
    result.bytes = withExtendedLifetime(last) {
      pass.isOfNetwork ? size(of: outputs) : CheckedSize(context.pool.heldBytes - before)
    }
    return result
  }

  /// The bytes of memory that may overlap.
  private static func size(of outputs: [Range<UInt>]) -> CheckedSize {
    var bytes = CheckedSize(0)
    var end: UInt = 0
    for output in outputs.sorted(by: { $0.lowerBound < $1.lowerBound })
    where output.upperBound > end {
      bytes = bytes + CheckedSize(Int(output.upperBound - max(output.lowerBound, end)))
      end = output.upperBound
    }
    return bytes
  }
}
