import DLTensor

/// The positions of a feature map one behind the other, row by row: a sequence for attention.
///
/// Shapes: `[batch, height, width, channels]` to `[batch, height · width, channels]`. Behind a
/// convolution whose stride is its kernel it gives the patches of a vision Transformer (Dosovitskiy
/// et al. 2021, section 3.1). Counterpart: `x.flatten(2).transpose(1, 2)` of PyTorch's
/// `[batch, channels, height, width]`.
public final class Tokens: PlainLayer {
  override class var ownWord: String { "tokens" }

  override func forward(from x: Tensor) throws -> Tensor {
    guard x.shape.rank == 4 else { throw unfit(x.shape.dropFirst()) }
    return try x.reshape([x.shape[0], x.shape[1] * x.shape[2], x.shape[3]])
  }

  /// PyTorch's counterpart gives `[batch, time, features]`.
  override var ownSequenceLayout: SequenceLayout? { .channelsLast }

  override func outputShape(from input: Shape) throws -> Shape {
    guard input.rank == 3 else { throw unfit(input) }
    return [input[0].productOrMax(input[1]), input[2]]
  }

  private func unfit(_ input: Shape) -> TensorError {
    TensorError(op: Self.word, "input has shape \(input), expected [height, width, channels]")
  }
}
