/// The three products of a convolution as plain ops: output, input gradient and weight gradient.
///
/// With x the dense side, w the weight and y the sparse side, all three are parts of one form that
/// is linear in x, w and y: `⟨y, x ⋆ w⟩`. The gradient of each product by one of its factors is
/// therefore another of the three.
struct ConvolutionProducts {
  let plan: ConvolutionPlan
  /// The shapes of x, w and y.
  let dense: Shape
  let weight: Shape
  let sparse: Shape

  /// `x ⋆ w`: a convolution, or the input gradient of a transposed one.
  func sparse(_ x: Tensor, _ w: Tensor) throws -> Tensor {
    let y = try Tensor.empty(sparse, dtype: x.dtype, context: x.context)
    try plan.forward(x.pointer, w.pointer, into: y.pointer)
    return x.context.record(
      y, op: "convolution", Pullback(x) { try dense($0, w) }, Pullback(w) { try weight(x, $0) })
  }

  /// The x that y spreads to: a convolution's input gradient, or a transposed convolution.
  func dense(_ y: Tensor, _ w: Tensor) throws -> Tensor {
    let x = try Tensor.empty(dense, dtype: y.dtype, context: y.context)
    try plan.backwardInput(y.pointer, w.pointer, into: x.pointer, 0)
    return y.context.record(
      x, op: "convolution", Pullback(y) { try sparse($0, w) }, Pullback(w) { try weight($0, y) })
  }

  /// The gradient by the weight of either.
  func weight(_ x: Tensor, _ y: Tensor) throws -> Tensor {
    let w = try Tensor.empty(weight, dtype: x.dtype, context: x.context)
    try plan.backwardWeight(x.pointer, y.pointer, into: w.pointer, 0)
    return x.context.record(
      w, op: "convolution", Pullback(x) { try dense(y, $0) }, Pullback(y) { try sparse(x, $0) })
  }
}
