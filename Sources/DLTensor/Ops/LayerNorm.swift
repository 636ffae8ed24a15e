import CKernels

extension Tensor {
  /// Layer normalization over the last axes: `y = (x - mean) / √(variance + eps) · weight + bias`,
  /// row by row.
  ///
  /// Shapes: x `[..., features]`; weight, bias `[features]`, or those of the last axes where several
  /// are normalized together. Ba et al. 2016.
  ///
  /// - Parameter axes: how many axes are normalized together where neither weight nor bias says so.
  /// - Throws: ``TensorError`` for shapes or types that do not fit, or where there is no memory.
  public func layerNorm(weight: Tensor?, bias: Tensor?, eps: Double = 1e-5, axes: Int = 1) throws
    -> Tensor
  {
    let (rows, features) = try normalizedRows("layer_norm", axes: axes, weight, bias)
    if context.isDecomposing {
      let y = try reshape([rows, features]).standardizedRows(eps: eps).reshape(shape)
      return try y.times(weight).plus(bias)
    }
    let y = try Tensor.empty(shape, dtype: dtype, context: context)
    let mean = try Tensor.empty([rows], dtype: dtype, context: context)
    let scale = try Tensor.empty([rows], dtype: dtype, context: context)
    dl_layer_norm_forward(
      dtype.kernel, pointer, rows, features, weight?.pointer, bias?.pointer, eps, y.pointer,
      mean.pointer, scale.pointer)
    return context.record(y, from: self, weight, bias) { [self] dy in
      let scratch = try Tensor.empty([2 * features], dtype: .float64, context: context)
      func backward(
        dx: UnsafeMutableRawPointer? = nil, dweight: UnsafeMutableRawPointer? = nil,
        dbias: UnsafeMutableRawPointer? = nil, _ accumulate: Int32
      ) {
        dl_layer_norm_backward(
          dtype.kernel, pointer, dy.pointer, rows, features, weight?.pointer, mean.pointer,
          scale.pointer, dx, dweight, dbias, accumulate,
          scratch.pointer.assumingMemoryBound(to: Double.self))
      }
      if let weight, let bias, weight.requiresGradient, bias.requiresGradient,
        weight.hasGradient == bias.hasGradient
      {
        // One pass gives both sums.
        try weight.addGradient { dweight, accumulate in
          try bias.addGradient { dbias, _ in backward(dweight: dweight, dbias: dbias, accumulate) }
        }
      } else {
        try weight?.addGradient { backward(dweight: $0, $1) }
        try bias?.addGradient { backward(dbias: $0, $1) }
      }
      try addGradient(reusing: dy) { backward(dx: $0, $1) }
    }
  }
}
