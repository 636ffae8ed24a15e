extension Context {
  /// Makes an op whose gradients are given, for what no composition of ops computes, or whose
  /// gradient is to be another than that of its forward pass.
  ///
  /// Counterpart: `torch.autograd.Function`. The straight-through estimator of a sign:
  ///
  ///     try context.operation(on: [x]) { try x / x.abs() } gradient: { dy, _ in dy }
  ///
  /// - Parameters:
  ///   - inputs: the tensors that the result depends on.
  ///   - forward: computes the result, which is not recorded.
  ///   - gradient: the gradient of the loss in the shape of an input, from that in the shape of the
  ///     result and the input's place in `inputs`. Made of ops, it can be differentiated again.
  /// - Throws: what `forward` throws; ``TensorError`` where it returns one of the inputs.
  public func operation(
    on inputs: [Tensor], _ op: StaticString = "operation", forward: () throws -> Tensor,
    gradient: @escaping (_ outputGradient: Tensor, _ input: Int) throws -> Tensor
  ) throws -> Tensor {
    let output = try withoutRecording(forward)
    guard !inputs.contains(where: { $0 === output }) else {
      throw TensorError(op: "\(op)", "returns one of its inputs; compute a tensor of its own")
    }
    let pullbacks = inputs.enumerated().map { index, input in
      Pullback(input) { dy in
        let dx = try gradient(dy, index)
        guard dx.shape == input.shape, dx.dtype == input.dtype else {
          throw TensorError(
            op: "\(op)",
            "input \(index) has shape \(input.shape) of \(input.dtype), its gradient \(dx.shape) of "
              + "\(dx.dtype)")
        }
        return dx
      }
    }
    return record(output, op: op, pullbacks)
  }
}
