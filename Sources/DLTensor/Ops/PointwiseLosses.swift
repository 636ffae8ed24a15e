import CKernels

/// Losses of this tensor against a target of the same shape; the results are scalars, and gradients
/// flow to this tensor alone.
extension Tensor {
  /// `Σ |x - target|` over elements.
  ///
  /// - Throws: ``TensorError`` for shapes or types that do not fit, or where there is no memory.
  package func absoluteErrorSum(_ target: Tensor) throws -> Tensor {
    try pointwiseLossSum("mae", DL_LOSS_L1, target)
  }

  /// `Σ (d ≤ delta ? d² / 2 : delta · (d - delta / 2))` over elements, with d = |x - target|.
  ///
  /// Huber 1964.
  ///
  /// - Throws: ``TensorError`` for shapes or types that do not fit, or where there is no memory.
  package func huberSum(_ target: Tensor, delta: Double = 1) throws -> Tensor {
    try pointwiseLossSum("huber", DL_LOSS_HUBER, target, delta)
  }

  /// `-Σ (t · log x + (1 - t) · log(1 - x))` over elements, each logarithm -100 at least.
  ///
  /// - Throws: ``TensorError`` for shapes or types that do not fit, or where there is no memory.
  package func binaryCrossEntropySum(_ target: Tensor) throws -> Tensor {
    try pointwiseLossSum("bce", DL_LOSS_BCE, target)
  }

  /// `Σ t · (log t - x)` over elements of logarithms x; with `logTarget` the target is log t.
  ///
  /// - Throws: ``TensorError`` for shapes or types that do not fit, or where there is no memory.
  package func klDivergenceSum(_ target: Tensor, logTarget: Bool = false) throws -> Tensor {
    try pointwiseLossSum("kl_divergence", logTarget ? DL_LOSS_KL_LOG : DL_LOSS_KL, target)
  }

  /// `-Σ alpha_t · (1 - p_t)^gamma · log p_t` over elements of logits, with p_t the probability of
  /// the target.
  ///
  /// Lin et al. 2017, equation 5.
  ///
  /// - Parameter alpha: the weight of targets of 1, those of 0 getting 1 - alpha; nil for none.
  /// - Throws: ``TensorError`` for shapes or types that do not fit, or where there is no memory.
  package func focalSum(_ target: Tensor, alpha: Double? = 0.25, gamma: Double = 2) throws -> Tensor
  {
    try pointwiseLossSum("focal", DL_LOSS_FOCAL, target, alpha ?? -1, gamma)
  }

  private func pointwiseLossSum(
    _ name: String, _ op: dl_pointwise_loss, _ target: Tensor, _ a: Double = 0, _ b: Double = 0
  ) throws -> Tensor {
    try requireSameElements(name, target)
    if context.isDecomposing { return try decomposed(op, target.detached(), a, b) }
    let sum = dl_pointwise_loss_forward(
      dtype.kernel, op, a, b, pointer, target.pointer, count)
    return try lossSum(sum) { [self] scale in
      try addGradient { dx, accumulate in
        dl_pointwise_loss_backward(
          dtype.kernel, op, a, b, pointer, target.pointer, count, scale, dx, accumulate)
      }
    }
  }
}
