import DLConfiguration
import DLTensor

/// A learned vector in front of a sequence, whose output position stands for the whole.
///
/// Shapes: `[batch, length, features]` to `[batch, length + 1, features]`; class_token
/// `[1, 1, features]`, from 0. Devlin et al. 2019; Dosovitskiy et al. 2021, equation 1. Counterpart:
/// `torch.cat([class_token.expand(batch, -1, -1), x], 1)`.
public final class ClassToken: BuiltInLayer {
  /// The options of ``ClassToken`` in `model.layers`.
  package struct Options: LayerSpec {
    package static var word: String { "class_token" }
    package init() {}
    package func layer(for input: Shape) throws -> any Layer {
      ClassToken(features: try sequenceChannels(Self.word, input))
    }
  }

  /// The vector, `[1, 1, features]`.
  public let classToken: Parameter

  /// Makes a layer for sequences of so many features.
  public init(features: Int) { classToken = Parameter([1, 1, features], initializer: .zeros) }

  override func forward(from x: Tensor) throws -> Tensor {
    guard x.shape.rank == 3 else { throw unfit(x.shape.dropFirst()) }
    let token = try classToken.value.broadcast(to: [x.shape[0], 1, classToken.shape.last])
    return try Tensor.concat([token, x], axis: 1)
  }

  /// One more than those of the input.
  override func lengths(of output: Tensor, from input: Tensor) throws -> Tensor? {
    try input.lengths?.mapLengths { $0 + 1 }
  }

  /// The number of products, which is 0.
  override func multiplyAdds(from input: Shape, to output: Shape) -> Int { 0 }

  /// PyTorch's counterpart takes `[batch, time, features]`.
  override var ownSequenceLayout: SequenceLayout? { .channelsLast }

  override func outputShape(from input: Shape) throws -> Shape {
    guard input.rank == 2, input[1] == classToken.shape.last else { throw unfit(input) }
    return [input[0] + 1, input[1]]
  }

  private func unfit(_ input: Shape) -> TensorError {
    TensorError(
      op: Options.word, "input has shape \(input), expected [length, \(classToken.shape.last)]")
  }
}
