import CKernels

extension Tensor {
  /// Root mean square normalization over the last axes: `y = x / √(mean(x²) + eps) · weight`, row by
  /// row.
  ///
  /// Shapes: x `[..., features]`; weight `[features]`, or that of the last axes where several are
  /// normalized together. Zhang and Sennrich 2019. Counterpart: `torch.nn.functional.rms_norm`.
  ///
  /// - Parameters:
  ///   - eps: the distance from 1 to the next number of the tensor's type unless given.
  ///   - axes: how many axes are normalized together where no weight says so.
  /// - Throws: ``TensorError`` for shapes or types that do not fit, or where there is no memory.
  public func rmsNorm(weight: Tensor?, eps: Double? = nil, axes: Int = 1) throws -> Tensor {
    let (rows, features) = try normalizedRows("rms_norm", axes: axes, weight, nil)
    let eps = eps ?? (dtype == .float32 ? Double(Float.ulpOfOne) : Double.ulpOfOne)
    if context.isDecomposing {
      return try reshape([rows, features]).scaledRows(eps: eps).reshape(shape).times(weight)
    }
    let y = try Tensor.empty(shape, dtype: dtype, context: context)
    let scale = try Tensor.empty([rows], dtype: .float64, context: context)
    dl_rms_norm_forward(
      dtype.kernel, pointer, rows, features, weight?.pointer, eps, y.pointer, scale.float64s)
    return context.record(y, from: self, weight) { [self] dy in
      let scratch = try Tensor.empty([features], dtype: .float64, context: context)
      try weight?.addGradient { dweight, accumulate in
        dl_rms_norm_backward(
          dtype.kernel, pointer, dy.pointer, rows, features, weight?.pointer, scale.float64s, nil,
          dweight, accumulate, scratch.float64s)
      }
      try addGradient(reusing: dy) { dx, accumulate in
        dl_rms_norm_backward(
          dtype.kernel, pointer, dy.pointer, rows, features, weight?.pointer, scale.float64s, dx,
          nil, accumulate, scratch.float64s)
      }
    }
  }

  /// The number of rows that are normalized by themselves, and of the elements of each.
  ///
  /// - Throws: ``TensorError`` where weight or bias have not the shape of the last axes.
  func normalizedRows(_ op: String, axes: Int, _ weight: Tensor?, _ bias: Tensor?) throws -> (
    rows: Int, features: Int
  ) {
    try requireReal(op: op)
    let axes = (weight ?? bias)?.shape.rank ?? axes
    guard axes >= 1, axes <= shape.rank else {
      throw TensorError(op: op, "input has shape \(shape), expected \(axes) axes to normalize")
    }
    let normalized = Shape((shape.rank - axes..<shape.rank).map { shape[$0] })
    for tensor in [weight, bias] {
      guard let tensor, tensor.shape != normalized || tensor.dtype != dtype else { continue }
      throw TensorError(
        op: op, "input has shape \(shape), weight and bias \(tensor.shape)")
    }
    return (shape.product(0..<shape.rank - axes), normalized.count)
  }

  var float64s: UnsafeMutablePointer<Double> { pointer.assumingMemoryBound(to: Double.self) }
}
