import DLLayers
import DLTensor

extension SupervisedTask {
  /// The batch without the labels of padding, and the loss that passes over them: where each position
  /// of a sequence has a class of its own, those behind the sequence's end do not count, whatever
  /// they are.
  ///
  /// - Throws: `TensorError` where lengths are not those of the rows.
  func valid(_ batch: Batch) throws -> (batch: Batch, loss: any Loss) {
    try network.noteLengths(of: batch.x)
    guard let lengths = batch.x.lengths, var counting = loss as? any ClassLoss,
      batch.y.dtype == .int32, batch.y.shape.rank >= 2, batch.y.shape[1] == batch.x.shape[1]
    else { return (batch, loss) }
    let ignored = counting.ignoreIndex ?? .min
    counting.ignoreIndex = ignored
    var valid = batch
    valid.y = try batch.y.labels(within: lengths, ignored: ignored)
    return (valid, counting)
  }
}
