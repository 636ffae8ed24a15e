import CKernels

extension Tensor {
  /// `log(1 + exp(beta · x)) / beta`, or `x` itself where `beta · x > threshold`.
  ///
  /// Shapes: any to the same.
  ///
  /// - Throws: ``TensorError`` for a type that it does not take, or where there is no memory.
  public func softplus(beta: Double = 1, threshold: Double = 20) throws -> Tensor {
    try requireReal(op: "softplus")
    let y = try Tensor.empty(shape, dtype: dtype, context: context)
    dl_softplus_forward(dtype.kernel, beta, threshold, pointer, y.pointer, count)
    if context.isDecomposing {
      let straight = try isAbove(threshold / beta)
      return context.record(
        y,
        Pullback(self) { [self] dy in
          try dy * (straight + (1 - straight) * (self * beta).sigmoid())
        })
    }
    return context.record(y, from: self) { [self] dy in
      try addGradient { dx, accumulate in
        dl_softplus_backward(
          dtype.kernel, beta, threshold, pointer, dy.pointer, dx, count, accumulate)
      }
    }
  }

  /// `x` where positive, `weight · x` elsewhere, with one weight or one per channel.
  ///
  /// Shapes: x `[..., channels]`; weight `[1]` or `[channels]`. He et al. 2015.
  ///
  /// - Throws: ``TensorError`` for a weight of another shape.
  public func prelu(_ weight: Tensor) throws -> Tensor {
    try requireReal(op: "prelu")
    guard weight.dtype == dtype, weight.shape == [1] || weight.shape == [shape.last] else {
      throw TensorError(
        op: "prelu",
        "input is \(dtype) \(shape), weight \(weight.dtype) \(weight.shape); expected "
          + "[1] or [\(shape.last)]")
    }
    if context.isDecomposing {
      let positive = try relu()
      return try positive + weight * (self - positive)
    }
    // With one weight every element is a row of one channel.
    let channels = weight.count
    let rows = channels == 1 ? count : shape.leading
    let y = try Tensor.empty(shape, dtype: dtype, context: context)
    dl_prelu_forward(dtype.kernel, pointer, weight.pointer, rows, channels, y.pointer)
    return context.record(y, from: self, weight) { [self] dy in
      try weight.addGradient { dweight, accumulate in
        let sums = try Tensor.empty([channels], dtype: .float64, context: context)
        let sumPointer = sums.pointer.assumingMemoryBound(to: Double.self)
        dl_prelu_backward_weight(dtype.kernel, pointer, dy.pointer, rows, channels, sumPointer)
        dl_add_doubles(dtype.kernel, sumPointer, dweight, channels, accumulate)
      }
      try addGradient { dx, accumulate in
        dl_prelu_backward_input(
          dtype.kernel, pointer, weight.pointer, dy.pointer, rows, channels, dx, accumulate)
      }
    }
  }

  /// The largest of every `pieces` neighbors along the last axis; the gradient goes to the first
  /// of equals.
  ///
  /// Shapes: `[..., channels · pieces]` to `[..., channels]`. Goodfellow et al. 2013.
  ///
  /// - Throws: ``TensorError`` when the last axis is not a multiple of `pieces`.
  public func maxout(pieces: Int) throws -> Tensor {
    try requireReal(op: "maxout")
    let y = try Tensor.empty(
      Tensor.maxoutShape(shape, pieces: pieces), dtype: dtype, context: context)
    dl_maxout_forward(dtype.kernel, pointer, pieces, y.pointer, y.count)
    if context.isDecomposing {
      let (largest, ones) = (
        try Tensor.empty(shape, dtype: dtype, context: context),
        try Tensor.full(y.shape, 1, dtype: dtype, context: context)
      )
      dl_maxout_backward(
        dtype.kernel, pointer, ones.pointer, pieces, largest.pointer, y.count, 0)
      return try (self * largest).reshape(Shape(y.shape.dimensions + [pieces])).sum(axis: -1)
    }
    return context.record(y, from: self) { [self] dy in
      try addGradient { dx, accumulate in
        dl_maxout_backward(
          dtype.kernel, pointer, dy.pointer, pieces, dx, dy.count, accumulate)
      }
    }
  }

  /// The shape that ``maxout(pieces:)`` gives.
  ///
  /// - Throws: ``TensorError`` when the last axis is not a multiple of `pieces`.
  package static func maxoutShape(_ input: Shape, pieces: Int) throws -> Shape {
    guard input.rank >= 1, pieces > 0, input.last.isMultiple(of: pieces) else {
      throw TensorError(
        op: "maxout", "input has shape \(input), expected a last axis of a multiple of \(pieces)")
    }
    var output = input
    output[-1] /= pieces
    return output
  }
}
