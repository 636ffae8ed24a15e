import DLConfiguration
import DLTensor

/// The features of a row as an image or a sequence: what ``Flatten`` does, undone.
///
/// Shapes: `[batch, features]` to `[batch] + shape`. Images are taken to be in channel, height, width
/// order, as PyTorch's are: features `[channels · height · width]` give `[height, width, channels]`.
/// Counterpart: `torch.nn.Unflatten(1, (channels, height, width))`.
public final class Unflatten: BuiltInLayer {
  /// The options of ``Unflatten`` in `model.layers`.
  package struct Options: LayerSpec {
    package static var word: String { "unflatten" }
    /// The shape of a row.
    package var shape: [Int] = []
    package init() {}
    package static var fields: [ConfigurationField<Self>] {
      [
        .init(
          "shape", \.shape, .layerSize, required: true,
          "shape of a row, [height, width, channels] for images")
      ]
    }
    package func layer(for input: Shape) throws -> any Layer {
      guard let row = Shape(checking: shape), (1..<Shape.maximumRank).contains(row.rank) else {
        throw TensorError(op: Self.word, "shape \(shape) is none, give 1 to 3 sizes")
      }
      return Unflatten(row)
    }
  }

  /// The shape of a row.
  package let row: Shape

  /// Makes a layer that gives rows of a shape.
  public init(_ row: Shape) { self.row = row }

  override func forward(from x: Tensor) throws -> Tensor {
    guard row.rank == 3, row[0] * row[1] > 1, row[2] > 1 else {
      return try x.reshape(row.prepending(x.shape[0]))
    }
    return try x.reshape([x.shape[0], row[2], row[0], row[1]]).permute(0, 2, 3, 1)
  }

  override func outputShape(from input: Shape) throws -> Shape {
    guard input.count == row.count else {
      throw TensorError(
        op: "unflatten",
        "input has shape \(input) of \(input.count) numbers, shape \(row) has "
          + "\(row.count)")
    }
    return row
  }
}
