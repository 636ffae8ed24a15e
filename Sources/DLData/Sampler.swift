import DLCluster
import DLCore

/// The samples of each micro-batch of each step: the same for every number of ranks.
///
/// An epoch visits its samples in order, `batchSize` of them per optimizer step, and each step's
/// rows are cut into `accumulate` micro-batches: micro-batch a of A takes rows
/// floor(aB/A) ..< floor((a+1)B/A). The step alone tells where a run stands, so that it can be
/// resumed anywhere, at any number of ranks.
///
/// With `repeats` R each sample takes R places in a row, so that a step sees each of its images in R
/// ways: batch augmentation (Hoffer et al. 2020, "Augment Your Batch", CVPR). Counterpart: timm's
/// `--aug-repeats`, whose epochs leave samples out to stay as long as without.
package struct Sampler: Sendable, Hashable {
  /// The order of samples within an epoch.
  package enum Order: String, Sendable, CaseIterable, Codable {
    /// A new permutation each epoch.
    case shuffled
    /// The order of the file.
    case sequential
    /// A new permutation each epoch in which the rows of a batch have similar lengths, for data
    /// sets whose rows differ in theirs.
    case bucketed
  }

  /// The fate of the samples left over at the end of an epoch.
  package enum LastBatch: String, Sendable, CaseIterable, Codable {
    /// They make a short batch of their own.
    case keep
    /// They sit out this epoch.
    case drop
    /// They join the batch before.
    case merge
  }

  /// The place of a step.
  package struct Cursor: Sendable, Hashable {
    /// The epoch, counted from 0.
    package let epoch: Int
    /// The step within the epoch, counted from 0.
    package let step: Int
    /// The rows of the epoch that the step takes: row p is of the sample at place p / repeats of its
    /// order.
    package let places: Range<Int>
  }

  /// The number of samples.
  package let count: Int
  /// Rows per optimizer step, over all ranks.
  package let batchSize: Int
  /// Rows that a sample gives, one after the other.
  package let repeats: Int
  /// Micro-batches per optimizer step.
  package let accumulate: Int
  /// The order of samples within an epoch.
  package let order: Order
  /// The fate of the samples left over.
  package let lastBatch: LastBatch
  /// The seed of the shuffle.
  package let seed: Int
  /// Draws in the place of a permutation of all rows; nil for that.
  package let weighted: WeightedRows?

  /// Makes a sampler of samples 0 ..< count.
  ///
  /// - Throws: `DataError` where that leaves no step, or no row for a micro-batch of a full step.
  package init(
    count: Int, batchSize: Int, repeats: Int = 1, accumulate: Int = 1, order: Order = .shuffled,
    lastBatch: LastBatch = .keep, seed: Int = 0, weighted: WeightedRows? = nil
  ) throws {
    guard weighted == nil || weighted?.count == count && order == .shuffled else {
      throw DataError(
        "data.sampler: draws rows at random, data.order is \(order.rawValue); leave one of them out"
      )
    }
    guard count >= 1 else { throw DataError("the data set holds no rows, add some") }
    guard batchSize >= 1 else {
      throw DataError("batch_size: \(batchSize) is below 1, give a positive number of rows")
    }
    let (rows, overflow) = count.multipliedReportingOverflow(by: repeats)
    guard repeats >= 1, !overflow else {
      throw DataError("data.repeats: \(repeats) is out of range, give 1 or a few")
    }
    let largest = min(batchSize, rows)
    guard accumulate >= 1, accumulate <= largest else {
      throw DataError(
        "accumulate: \(accumulate) cannot cut a batch of \(counted(largest, "row")), give 1 to \(largest)"
      )
    }
    guard rows >= batchSize || lastBatch != .drop else {
      throw DataError(
        "batch_size: \(batchSize) exceeds the \(counted(rows, "row")) and last_batch is drop, which leaves no "
          + "batch; lower batch_size or use keep")
    }
    self.count = count
    self.batchSize = batchSize
    self.repeats = repeats
    self.accumulate = accumulate
    self.order = order
    self.lastBatch = lastBatch
    self.seed = seed
    self.weighted = weighted
  }

  /// Optimizer steps per epoch, at least 1.
  package var stepsPerEpoch: Int {
    let (whole, rest) = rowCount.quotientAndRemainder(dividingBy: batchSize)
    return switch lastBatch {
    case .keep: whole + (rest == 0 ? 0 : 1)
    case .drop: whole
    case .merge: max(whole, 1)
    }
  }

  /// Rows of an epoch: those of all samples but what `drop` leaves out.
  package var rowsPerEpoch: Int { lastBatch == .drop ? stepsPerEpoch * batchSize : rowCount }

  /// Rows of all samples.
  private var rowCount: Int { count * repeats }

  /// The place of optimizer step `step`, counted from 0 over all epochs; O(1).
  package func cursor(atStep step: Int) -> Cursor {
    let steps = stepsPerEpoch
    let (epoch, inEpoch) = step.quotientAndRemainder(dividingBy: steps)
    let end = inEpoch == steps - 1 ? rowsPerEpoch : (inEpoch + 1) * batchSize
    return Cursor(epoch: epoch, step: inEpoch, places: inEpoch * batchSize..<end)
  }

  /// The rows, counted within a step of `rows` rows, of its micro-batch `index`.
  package func microBatch(_ index: Int, of rows: Int) -> Range<Int> {
    index * rows / accumulate..<(index + 1) * rows / accumulate
  }

  /// The step sizes that occur: of the last step of an epoch, and of the others if there are any.
  package var stepSizes: [Int] {
    let last = cursor(atStep: stepsPerEpoch - 1).places.count
    return stepsPerEpoch == 1 || last == batchSize ? [last] : [batchSize, last]
  }

  /// The fewest rows of any micro-batch over all ranks; 0 where a short last batch cannot fill
  /// them.
  package var smallestMicroBatch: Int {
    stepSizes.map { $0 / accumulate }.min() ?? 0
  }

  /// The samples of an epoch in their order; O(count).
  package func samples(ofEpoch epoch: Int) -> [Int] {
    samples(ofEpoch: epoch, lengths: nil)
  }

  /// The samples of an epoch in their order, rows having the given lengths; O(count log count).
  package func samples(ofEpoch epoch: Int, lengths: [Int32]?) -> [Int] {
    if let weighted {
      return (0..<count).map(weighted.draws(seed: seed, epoch: epoch).row)
    }
    guard order != .sequential else { return Array(0..<count) }
    if order == .shuffled, count > ComputedPermutation.largestTable {
      let permutation = ComputedPermutation(seed: seed, epoch: epoch, count: count)
      return (0..<count).map(permutation.sample)
    }
    let buckets =
      order == .bucketed
      ? lengths.map { LengthBuckets(lengths: $0, batchSize: batchSize) } : nil
    return Permutation(seed: seed, epoch: epoch, count: count, buckets: buckets).indices
  }
}
