import DLCluster
import DLCore
import DLData

// The rows of one file as training and validation set.
extension TrainingData {
  /// The rows of a data set that a job trains on, and those that it holds out; nil without folds.
  ///
  /// - Throws: `UsageError` for data whose rows cannot be parted; `DataError` for too few of them.
  package static func folded(_ whole: any Dataset, _ configuration: Configuration) throws
    -> (train: any Dataset, heldOut: any Dataset)?
  {
    guard let folds = configuration.data.folds else { return nil }
    guard !(whole is GraphDataset), !(whole is TokenWindowDataset) else {
      throw UsageError(
        "data.folds: the rows of a \(whole is GraphDataset ? "graph" : "text") overlap or depend on "
          + "each other, and make no parts; give data.validation")
    }
    let parts = try Folds(
      count: folds.count, rows: whole.count, labels: whole.rowClasses(), seed: configuration.seed)
    return (
      SubsetDataset(of: whole, rows: parts.others(than: folds.fold)),
      SubsetDataset(of: whole, rows: parts.parts[folds.fold])
    )
  }
}

extension Configuration {
  /// The job with mean and deviation of the training inputs in place of `normalize: auto`; collective.
  ///
  /// One pass over the rows, which the ranks share, adds up values and squares without rounding: the
  /// numbers have the same bits at any number of ranks. A channel that is the same everywhere gets a
  /// deviation of 1.
  ///
  /// - Parameter statistics: what a pass over the files found, by their paths.
  /// - Throws: `RankFailure`, the same on every rank.
  func resolvingNormalization(
    statistics: [String: FileStatistics], over communicator: any Communicator
  ) throws -> Configuration {
    guard data.normalize?.isAutomatic == true else { return self }
    let name = data.train ?? "data.synthetic"
    let (found, channels) = try communicator.agreed("take mean and deviation of \(name)") {
      let whole = try TrainingData.open(
        data.train ?? "", .training, self, statistics: statistics)
      let dataset = try TrainingData.folded(whole, self)?.train ?? whole
      guard dataset.inputType != .int32 else {
        throw UsageError("data.normalize: auto: \(name) has tokens, which are not normalized")
      }
      let rows = try BatchSharding(ranks: communicator.size)
        .rows(of: communicator.rank, in: dataset.count)
      return (try ChannelMoments(of: dataset, rows: rows), dataset)
    }
    var moments = found
    try moments.sums.reduce(over: communicator)
    var resolved = self
    resolved.data.normalize = try communicator.agreed("take mean and deviation of \(name)") {
      try moments.normalization(values: channels.count * channels.inputCount, of: name)
    }
    return resolved
  }
}

/// Sums of values and of their squares, per channel.
private struct ChannelMoments {
  /// Counts for bytes, exact sums for numbers; first the values, then the squares.
  var sums: MetricSums
  private let channels: Int
  private let isBytes: Bool

  /// Adds up rows of a data set.
  init(of dataset: any Dataset, rows: Range<Int>) throws {
    let channels = max(dataset.inputShape.last ?? 1, 1)
    self.channels = channels
    isBytes = dataset.inputType == .uint8
    var sums = MetricSums(
      counts: isBytes ? 2 * channels : 0, sums: isBytes ? 0 : 2 * channels)
    try dataset.eachPiece(of: rows) { _, inputs, _ in
      if dataset.inputType == .uint8 {
        let values = inputs.bindMemory(to: UInt8.self)
        for start in stride(from: 0, to: values.count, by: channels) {
          for channel in 0..<channels {
            let value = Int(values[start + channel])
            sums.counts[channel] += value
            sums.counts[channels + channel] += value * value
          }
        }
      } else {
        let values = inputs.bindMemory(to: Float.self)
        for start in stride(from: 0, to: values.count, by: channels) {
          for channel in 0..<channels {
            // The square of a float32 is exact in a double.
            let value = Double(values[start + channel])
            sums.sums[channel] += value
            sums.sums[channels + channel] += value * value
          }
        }
      }
    }
    self.sums = sums
  }

  /// Mean and deviation of each channel, once the sums are those of all ranks.
  ///
  /// - Parameter values: how many values there are in all channels.
  /// - Throws: `DataError` for values that are not finite.
  func normalization(values: Int, of name: String) throws -> NormalizeConfiguration {
    let count = Double(values / channels)
    let scale = isBytes ? 255.0 : 1
    var result = NormalizeConfiguration()
    for channel in 0..<channels {
      let sum = isBytes ? Double(sums.counts[channel]) : sums.sums[channel].value
      let squares =
        isBytes ? Double(sums.counts[channels + channel]) : sums.sums[channels + channel].value
      guard sum.isFinite, squares.isFinite else {
        throw DataError(
          "data.normalize: auto: \(name) has inputs that are no finite numbers; correct them",
          exitCode: .data)
      }
      let mean = sum / count
      let variance = (squares - sum * mean) / count
      // What is left of a constant is rounding.
      let isConstant = variance <= 1e-14 * squares / count
      result.mean.append(mean / scale)
      result.std.append(isConstant ? 1 : variance.squareRoot() / scale)
    }
    return result
  }
}
