import CKernels

extension Tensor {
  /// The tensor repeated along axes of extent 1 and along new leading axes, copied.
  ///
  /// Shapes: any to `shape`, as `[a, 1]` to `[k, a, b]`. Counterpart: `torch.broadcast_to`.
  ///
  /// - Throws: ``TensorError`` unless the shapes fit.
  public func broadcast(to shape: Shape) throws -> Tensor {
    try requireReal(op: "broadcast")
    guard Shape.broadcast(self.shape, shape) == shape else {
      throw TensorError(op: "broadcast", "shape \(self.shape) does not broadcast to \(shape)")
    }
    let y = try Tensor.empty(shape, dtype: dtype, context: context)
    dl_expand_to(
      dtype.kernel, shape.rank, shape.dimensions, pointer, self.shape.strides(broadcastTo: shape),
      y.pointer, 0)
    if context.isDecomposing {
      return context.record(y, Pullback(self) { [self] in try $0.summed(to: self.shape) })
    }
    return context.record(y, from: self) { [self] dy in try addBroadcastGradient(dy) }
  }
}
