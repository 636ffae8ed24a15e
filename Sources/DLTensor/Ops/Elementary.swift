import CKernels

extension Tensor {
  /// The error function `2/√π · ∫ exp(-t²) dt` from 0 to each element.
  ///
  /// Shapes: any to the same.
  ///
  /// - Throws: ``TensorError`` for a type that it does not take, or where there is no memory.
  public func erf() throws -> Tensor { try unary(DL_ERF, name: "erf") }

  /// The same elements in the other float type, recorded; itself where it has that type.
  ///
  /// Shapes: any to the same.
  /// Counterpart: `torch.Tensor.to(dtype)`.
  ///
  /// - Throws: ``TensorError`` unless both types are float32 or float64.
  public func converted(to type: DType) throws -> Tensor {
    try requireReal(op: "convert")
    guard type.isReal else {
      throw TensorError(op: "convert", "needs float32 or float64, got \(type)")
    }
    guard type != dtype else { return self }
    let y = try Tensor.empty(shape, dtype: type, context: context)
    dl_cast(dtype.kernel, pointer, type.kernel, y.pointer, count)
    if context.isDecomposing {
      return context.record(y, Pullback(self) { [dtype] in try $0.converted(to: dtype) })
    }
    return context.record(y, from: self) { [self] dy in
      try receiveGradient(context.withoutRecording { try dy.converted(to: dtype) })
    }
  }
}
