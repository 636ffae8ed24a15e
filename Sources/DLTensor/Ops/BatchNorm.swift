import CKernels
import DLCluster
import DLCore

/// The running statistics that a batch normalization moves in training and uses in evaluation.
package struct RunningStatistics {
  /// The running mean, `[channels]`.
  package let mean: Tensor
  /// The running unbiased variance, `[channels]`.
  package let variance: Tensor
  /// The share of a batch's statistics that goes in.
  package let momentum: Double

  /// Makes the pair.
  package init(mean: Tensor, variance: Tensor, momentum: Double) {
    self.mean = mean
    self.variance = variance
    self.momentum = momentum
  }

  /// `running = (1 - momentum) · running + momentum · batch`, the variance unbiased.
  fileprivate func update(_ moments: ChannelMoments) {
    let unbiased = 1 / max(moments.count - 1, 1)
    move(mean) { moments.mean[$0] }
    move(variance) { moments.m2[$0] * unbiased }
  }

  private func move(_ running: Tensor, _ batch: (Int) -> Double) {
    for channel in 0..<running.count {
      if running.dtype == .float32 {
        let element = running.pointer.assumingMemoryBound(to: Float.self) + channel
        element.pointee = Float(
          (1 - momentum) * Double(element.pointee) + momentum * batch(channel))
      } else {
        let element = running.pointer.assumingMemoryBound(to: Double.self) + channel
        element.pointee = (1 - momentum) * element.pointee + momentum * batch(channel)
      }
    }
  }
}

extension Tensor {
  /// Batch normalization over all axes but the last.
  ///
  /// Training: `y = (x - mean) / √(M2/n + eps) · weight + bias` with mean and M2 per channel over
  /// the rows of all ranks; each rank's (n, mean, M2) are gathered in double and merged along the
  /// fixed tree, so ranks with few rows, or none, change nothing. Backward sums `[Σ dy, Σ dy·x̂]`
  /// over ranks; the gradients of weight and bias stay this rank's sums. Evaluation: by the running
  /// statistics.
  ///
  /// With a `residual` the result is `y + residual`, as at the end of a residual block, and with `relu`
  /// the maximum of it and 0, in the same pass.
  ///
  /// Shapes: x and residual `[batch, ..., channels]`; weight, bias `[channels]`. Ioffe and Szegedy 2015; Chan et
  /// al. 1979 for the merge.
  ///
  /// - Throws: ``TensorError`` for shapes that do not fit and, in training, for a single value per
  ///   channel.
  package func batchNorm(
    weight: Tensor?, bias: Tensor?, running: RunningStatistics, eps: Double = 1e-5,
    residual: Tensor? = nil, relu: Bool = false
  ) throws -> Tensor {
    try requireReal(op: "batch_norm")
    let channels = running.mean.count
    guard shape.rank >= 2, shape.last == channels else {
      throw TensorError(
        op: "batch_norm",
        "input has shape \(shape), statistics expect \(counted(channels, "channel")) last")
    }
    guard residual == nil || residual?.shape == shape && residual?.dtype == dtype else {
      throw TensorError(
        op: "batch_norm", "input has shape \(shape), what is added to it \(residual?.shape ?? [])")
    }
    for tensor in [weight, bias, running.variance] where tensor != nil {
      guard tensor?.shape == [channels] else {
        throw TensorError(
          op: "batch_norm", "weight, bias and variance need shape [\(channels)]")
      }
    }
    for tensor in [weight, bias] where tensor != nil {
      guard tensor?.dtype == dtype else {
        throw TensorError(op: "batch_norm", "weight and bias need the input's type, \(dtype)")
      }
    }
    let rows = shape.product(0..<shape.rank - 1)
    let moments = try ChannelMoments(channels, context: context)
    if context.isTraining {
      try moments.gather(self, rows: rows)
      guard moments.count > 1 else {
        throw TensorError(
          op: "batch_norm",
          "needs more than one value per channel in training, got \(Int(moments.count)); "
            + "use a larger batch")
      }
      running.update(moments)
      moments.setScale(eps: eps)
    } else {
      moments.set(running, eps: eps)
    }
    if context.isDecomposing {
      let y =
        try context.isTraining
        ? standardized(rows: moments.count, eps: eps) : standardized(moments)
      let sum = try y.times(weight).plus(bias).plus(residual)
      return try relu ? sum.relu() : sum
    }
    let y = try Tensor.empty(shape, dtype: dtype, context: context)
    dl_batch_norm_normalize(
      dtype.kernel, pointer, rows, channels, moments.mean, moments.scale, weight?.pointer,
      bias?.pointer, residual?.pointer, relu ? 1 : 0, y.pointer)
    let isTraining = context.isTraining
    return context.record(y, from: self, weight, bias, residual) { [self] dy in
      let sums = try moments.backwardSums(self, dy, relu ? y : nil, rows: rows)
      try weight?.addGradient(sums + channels)
      try bias?.addGradient(sums)
      if isTraining { try context.sumOverRanks(sums, count: 2 * channels, moments: moments) }
      let backward = { [self] (dx: UnsafeMutableRawPointer, accumulate: Int32) in
        dl_batch_norm_backward_input(
          dtype.kernel, pointer, dy.pointer, rows, channels, moments.mean, moments.scale,
          weight?.pointer, sums, sums + channels, isTraining ? moments.count : 0, dx, accumulate)
      }
      guard let residual, residual.requiresGradient else {
        return try addGradient(reusing: dy, backward)
      }
      try addGradient(backward)
      try residual.receiveGradient(dy)
    }
  }

  /// `(x - mean) · scale` by constants.
  private func standardized(_ moments: ChannelMoments) throws -> Tensor {
    func constant(_ values: UnsafeMutablePointer<Double>) throws -> Tensor {
      let values = Array(UnsafeBufferPointer(start: values, count: moments.channels))
      return try .values(values, shape: [moments.channels], dtype: dtype, context: context)
    }
    return try (self - constant(moments.mean)) * constant(moments.scale)
  }

  /// Adds this rank's sums, in double, to the gradient of a `[channels]` tensor.
  fileprivate func addGradient(_ sums: UnsafePointer<Double>) throws {
    try addGradient { target, accumulate in
      for channel in 0..<count {
        if dtype == .float32 {
          let element = target.assumingMemoryBound(to: Float.self) + channel
          element.pointee = (accumulate != 0 ? element.pointee : 0) + Float(sums[channel])
        } else {
          let element = target.assumingMemoryBound(to: Double.self) + channel
          element.pointee = (accumulate != 0 ? element.pointee : 0) + sums[channel]
        }
      }
    }
  }
}

extension Context {
  /// Sums doubles over the ranks along the fixed tree, in place, where statistics are synchronized.
  ///
  /// By gathering: for so few numbers one exchange costs less than the two of a reduction.
  fileprivate func sumOverRanks(
    _ sums: UnsafeMutablePointer<Double>, count: Int, moments: ChannelMoments
  ) throws {
    guard synchronizesBatchNorm, communicator.size > 1 else { return }
    let bytes = count * MemoryLayout<Double>.stride
    let all = try moments.gatherBuffer(count, ranks: communicator.size)
    try communicator.allgather(
      UnsafeRawBufferPointer(start: sums, count: bytes),
      into: UnsafeMutableRawBufferPointer(start: all, count: bytes * communicator.size))
    ReductionTree(leaves: communicator.size).merge { left, right in
      let (a, b) = (all + left * count, all + right * count)
      for index in 0..<count { a[index] += b[index] }
    }
    sums.update(from: all, count: count)
  }
}

/// Per channel: how many values, their mean, and the sum of squared distances from it.
///
/// Memory, in doubles: `[count, mean..., m2..., scale..., sum dy..., sum dy·x̂...]`, with `scale =
/// 1/√(variance + eps)`.
private final class ChannelMoments {
  let channels: Int
  private let tensor: Tensor
  private let base: UnsafeMutablePointer<Double>
  private let context: Context

  var count: Double { base[0] }
  var mean: UnsafeMutablePointer<Double> { base + 1 }
  var m2: UnsafeMutablePointer<Double> { base + 1 + channels }
  var scale: UnsafeMutablePointer<Double> { base + 1 + 2 * channels }
  private var sums: UnsafeMutablePointer<Double> { base + 1 + 3 * channels }

  init(_ channels: Int, context: Context) throws {
    self.channels = channels
    self.context = context
    tensor = try Tensor.empty([1 + 5 * channels], dtype: .float64, context: context)
    base = tensor.pointer.assumingMemoryBound(to: Double.self)
  }

  /// Takes the moments of this rank's rows and merges those of all ranks.
  func gather(_ x: Tensor, rows: Int) throws {
    base[0] = Double(rows)
    dl_batch_norm_moments(x.dtype.kernel, x.pointer, rows, channels, mean, m2)
    guard context.synchronizesBatchNorm, context.communicator.size > 1 else { return }
    let ranks = context.communicator.size
    let width = 1 + 2 * channels
    let bytes = width * MemoryLayout<Double>.stride
    let all = try gatherBuffer(width, ranks: ranks)
    try context.communicator.allgather(
      UnsafeRawBufferPointer(start: base, count: bytes),
      into: UnsafeMutableRawBufferPointer(start: all, count: bytes * ranks))
    ReductionTree(leaves: ranks).merge { left, right in
      merge(all + left * width, all + right * width)
    }
    base.update(from: all, count: width)
  }

  /// `scale = 1/√(M2/n + eps)`.
  func setScale(eps: Double) {
    for channel in 0..<channels { scale[channel] = 1 / (m2[channel] / count + eps).squareRoot() }
  }

  /// The running statistics in place of a batch's.
  func set(_ running: RunningStatistics, eps: Double) {
    base[0] = 0
    for channel in 0..<channels {
      mean[channel] = running.mean.element(channel)
      scale[channel] = 1 / (running.variance.element(channel) + eps).squareRoot()
    }
  }

  /// `[Σ dy..., Σ dy·x̂...]` over this rank's rows.
  ///
  /// - Parameter y: the result of a ReLU behind the normalization, whose slope `dy` goes through first.
  func backwardSums(_ x: Tensor, _ dy: Tensor, _ y: Tensor?, rows: Int) throws
    -> UnsafeMutablePointer<Double>
  {
    dl_batch_norm_backward_sums(
      x.dtype.kernel, x.pointer, dy.pointer, y?.pointer, rows, channels, mean, scale, sums,
      sums + channels)
    return sums
  }

  /// Room for `width` doubles of every rank, valid until the next call.
  func gatherBuffer(_ width: Int, ranks: Int) throws -> UnsafeMutablePointer<Double> {
    let buffer = try Tensor.empty([width * ranks], dtype: .float64, context: context)
    gathered = buffer
    return buffer.pointer.assumingMemoryBound(to: Double.self)
  }

  private var gathered: Tensor?

  /// Merges the moments at `b` into those at `a`: Chan, Golub and LeVeque 1979, equation 2.1.
  private func merge(_ a: UnsafeMutablePointer<Double>, _ b: UnsafeMutablePointer<Double>) {
    let (countA, countB) = (a[0], b[0])
    let total = countA + countB
    guard countB > 0 else { return }
    for channel in 1..<(channels + 1) {
      let delta = b[channel] - a[channel]
      a[channel] += delta * (countB / total)
      a[channel + channels] += b[channel + channels] + delta * delta * (countA * countB / total)
    }
    a[0] = total
  }
}

extension Tensor {
  fileprivate func element(_ index: Int) -> Double {
    dtype == .float32
      ? Double(pointer.assumingMemoryBound(to: Float.self)[index])
      : pointer.assumingMemoryBound(to: Double.self)[index]
  }
}
