import CKernels

extension Tensor {
  /// Layer normalisation over the last axis: `y = (x - mean) / √(variance + eps) · weight + bias`,
  /// row by row.
  ///
  /// Shapes: x `[..., features]`; weight, bias `[features]`. Ba et al. 2016.
  public func layerNorm(weight: Tensor?, bias: Tensor?, eps: Double = 1e-5) throws -> Tensor {
    try requireReal(op: "layer_norm")
    let features = shape.last
    for tensor in [weight, bias] where tensor != nil {
      guard shape.rank >= 1, tensor?.shape == [features] else {
        throw TensorError(
          op: "layer_norm", "input has shape \(shape), weight and bias \(tensor?.shape ?? [])")
      }
    }
    let rows = shape.leading
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
      try weight?.addGradient { backward(dweight: $0, $1) }
      try bias?.addGradient { backward(dbias: $0, $1) }
      try addGradient { backward(dx: $0, $1) }
    }
  }
}
