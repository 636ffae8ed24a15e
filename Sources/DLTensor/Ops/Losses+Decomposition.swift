import CKernels

/// The losses as plain ops; targets are constants, as they are in the kernels.
extension Tensor {
  /// A float64 scalar: the sum of all elements, taken in double.
  func lossTotal() throws -> Tensor {
    let total = try Tensor.full(
      [], dl_sum(dtype.kernel, pointer, count), dtype: .float64, context: context)
    return context.record(
      total,
      Pullback(self) { [dtype, shape] in try $0.converted(to: dtype).expanded(to: shape) })
  }

  func decomposedSquaredError(_ target: Tensor) throws -> Tensor {
    let difference = try self - target.detached()
    return try (difference * difference).lossTotal()
  }

  /// `-Σ mass · log softmax(x)`.
  func decomposedCrossEntropy(
    _ labels: Tensor?, _ targets: Tensor?, _ weights: [Double]?, _ smoothing: Double,
    _ ignoreIndex: Int32?
  ) throws -> Tensor {
    let classes = shape.last
    var mass = try targets?.doubles ?? oneHot("cross_entropy", labels, ignoreIndex)
    if smoothing != 0 {
      for index in mass.indices where labels?.int32s[index / classes] != ignoreIndex ?? .min {
        mass[index] = (1 - smoothing) * mass[index] + smoothing / Double(classes)
      }
    }
    return try -(logSoftmax() * constant(mass, weights)).lossTotal()
  }

  /// `-Σ weight[label] · x[label]`.
  func decomposedNegativeLogLikelihood(
    _ op: String, _ labels: Tensor, _ weights: [Double]?, _ ignoreIndex: Int32?
  ) throws -> Tensor {
    try -(self * constant(oneHot(op, labels, ignoreIndex), weights)).lossTotal()
  }

  /// `Σ weight · (positive · t · softplus(-x) + (1 - t) · softplus(x))`.
  func decomposedBCE(_ target: Tensor, _ weights: [Double]?, _ positive: [Double]?) throws
    -> Tensor
  {
    let t = target.doubles
    // With a threshold of 40 what softplus leaves out is below a double's precision.
    let (hit, miss) = (try (-self).softplus(threshold: 40), try softplus(threshold: 40))
    let hits = try hit * constant(t, weights, positive)
    return try (hits + miss * constant(t.map { 1 - $0 }, weights, nil)).lossTotal()
  }

  func decomposed(_ op: dl_pointwise_loss, _ target: Tensor, _ a: Double, _ b: Double) throws
    -> Tensor
  {
    switch op {
    case DL_LOSS_L1: try (self - target).abs().lossTotal()
    case DL_LOSS_HUBER: try decomposedHuber(target, a)
    case DL_LOSS_BCE: try plainBinaryCrossEntropy(target)
    case DL_LOSS_FOCAL: try decomposedFocal(target, a, b)
    default: try decomposedDivergence(op, target)
    }
  }

  /// `d² / 2` up to delta, `delta · (|d| - delta / 2)` beyond.
  private func decomposedHuber(_ target: Tensor, _ delta: Double) throws -> Tensor {
    let difference = try self - target
    let length = try difference.abs()
    let beyond = try length.isAtLeast(delta)
    let square = try difference * difference * 0.5
    let line = try (length - delta / 2) * delta
    return try ((1 - beyond) * square + beyond * line).lossTotal()
  }

  /// The kernel, with the gradient `(x - t) / max(x · (1 - x), 1e-12)`, which is 0 where prediction
  /// and target are both 0 or both 1.
  private func plainBinaryCrossEntropy(_ target: Tensor) throws -> Tensor {
    let sum = dl_pointwise_loss_forward(
      dtype.kernel, DL_LOSS_BCE, 0, 0, pointer, target.pointer, count)
    let total = try Tensor.full([], sum, dtype: .float64, context: context)
    return context.record(
      total,
      Pullback(self) { [self] dy in
        let variance = try self * (1 - self)
        let inside = try variance.isAtLeast(1e-12)
        let bounded = try variance * inside + (1 - inside) * 1e-12
        return try dy.converted(to: dtype) * (self - target) / bounded
      })
  }

  /// `Σ t · log t - Σ t · x`, the first sum a constant.
  private func decomposedDivergence(_ op: dl_pointwise_loss, _ target: Tensor) throws -> Tensor {
    let zeros = try Tensor.zeros(shape, dtype: dtype, context: context)
    let entropy = dl_pointwise_loss_forward(
      dtype.kernel, op, 0, 0, zeros.pointer, target.pointer, count)
    let share = try Tensor.empty(shape, dtype: dtype, context: context)
    dl_pointwise_loss_backward(
      dtype.kernel, op, 0, 0, pointer, target.pointer, count, -1, share.pointer, 0)
    return try entropy - (self * share).lossTotal()
  }

  /// `alpha_t · (softplus(x) - x · t) · (1 - p_t)^gamma`.
  private func decomposedFocal(_ target: Tensor, _ alpha: Double, _ gamma: Double) throws
    -> Tensor
  {
    let entropy = try softplus(threshold: 40) - self * target
    let weight = try alpha < 0 ? nil : target * alpha + (1 - target) * (1 - alpha)
    let loss = try weight.map { try entropy * $0 } ?? entropy
    guard gamma != 0 else { return try loss.lossTotal() }
    let miss = try (-self).sigmoid() * target + sigmoid() * (1 - target)
    // A power of 0 is 0, and its gradient too.
    let inside = try miss.isAbove(0)
    let power = try ((miss * inside + (1 - inside)).log() * gamma).exp() * inside
    return try (loss * power).lossTotal()
  }

  /// `1 - cos` for pairs that belong together, `max(cos - margin, 0)` for others.
  func decomposedCosineEmbedding(_ other: Tensor, _ labels: Tensor, _ margin: Double) throws
    -> Tensor
  {
    func product(_ a: Tensor, _ b: Tensor) throws -> Tensor { try (a * b).sum(axis: -1) }
    let squares = try (product(self, self) + 1e-12) * (product(other, other) + 1e-12)
    let cosine = try product(self, other) / squares.sqrt()
    var (constant, slopes) = (0.0, [Double]())
    for (label, value) in zip(labels.doubles, cosine.doubles) {
      let isApart = label == -1 && value >= margin
      constant += label == 1 ? 1 : (isApart ? -margin : 0)
      slopes.append(label == 1 ? -1 : (isApart ? 1 : 0))
    }
    return try (cosine * .values(slopes, shape: cosine.shape, dtype: dtype, context: context))
      .lossTotal() + constant
  }

  /// `max(margin + |x - positive| - |x - negative|, 0)`.
  func decomposedTripletMargin(
    _ positive: Tensor, _ negative: Tensor, _ margin: Double, _ eps: Double, _ swap: Bool
  ) throws -> Tensor {
    func distance(_ a: Tensor, _ b: Tensor) throws -> Tensor {
      let difference = try a - b + eps
      return try (difference * difference).sum(axis: -1).sqrt()
    }
    var far = try distance(self, negative)
    if swap {
      let other = try distance(positive, negative)
      let nearer = try (far - other).isAbove(0)
      far = try far * (1 - nearer) + other * nearer
    }
    let loss = try distance(self, positive) - far + margin
    return try (loss * loss.isAtLeast(0)).lossTotal()
  }

  /// 1 at each row's label, nothing in rows that are ignored.
  private func oneHot(_ op: String, _ labels: Tensor?, _ ignoreIndex: Int32?) throws -> [Double] {
    var hits = [Double](repeating: 0, count: count)
    guard let labels else { return hits }
    for row in 0..<labels.count where labels.int32s[row] != ignoreIndex {
      let label = Int(labels.int32s[row])
      guard (0..<shape.last).contains(label) else {
        throw TensorError(
          op: op, "label \(label) of row \(row) is not in 0 ..< \(shape.last)", exitCode: .data)
      }
      hits[row * shape.last + label] = 1
    }
    return hits
  }

  /// A constant of this tensor's shape, its last axis times the factors per class.
  private func constant(_ values: [Double], _ factors: [Double]?...) throws -> Tensor {
    var values = values
    for case let factors? in factors {
      for index in values.indices { values[index] *= factors[index % shape.last] }
    }
    return try .values(values, shape: shape, dtype: dtype, context: context)
  }
}
