import DLConfiguration
import DLTensor

/// One position of an axis, which disappears: by default the first of a sequence.
///
/// Shapes: `[batch, length, features]` to `[batch, features]`. Counterpart: `torch.select`.
public final class Select: BuiltInLayer {
  /// The options of ``Select`` in `model.layers`.
  package struct Options: LayerSpec {
    package static var word: String { "select" }
    /// The position, from the end if below 0.
    package var position = 0
    /// The axis, 0 being the batch's.
    package var axis = 1
    package init() {}
    package static var fields: [ConfigurationField<Self>] {
      [
        .init("position", \.position, "position that stays, from the end if below 0"),
        .init("axis", \.axis, .within(1...7), "axis: 1 is the first one behind the batch"),
      ]
    }
    package func layer(for input: Shape) -> any Layer { Select(position, axis: axis) }
  }

  /// The position, from the end if below 0.
  package let position: Int
  /// The axis, 0 being the batch's.
  package let axis: Int

  /// Makes a layer that takes position `position` of axis `axis`, 0 being the batch's.
  public init(_ position: Int = 0, axis: Int = 1) {
    self.position = position
    self.axis = axis
  }

  override func forward(from x: Tensor) throws -> Tensor {
    if axis == 1, position < 0, let lengths = x.lengths,
      lengths.doubles.contains(where: { Int($0) < x.shape[1] })
    {
      throw TensorError(
        op: Options.word,
        "position \(position) is padding in rows that are shorter; use return: last of a recurrent "
          + "layer, or a global pool")
    }
    return try x.select(axis, position)
  }

  override func outputShape(from input: Shape) throws -> Shape {
    guard (1...max(input.rank, 1)).contains(axis), axis <= input.rank else {
      throw TensorError(
        op: Options.word, "input has shape \(input) without its batch, and no axis \(axis)")
    }
    let extent = input[axis - 1]
    guard (-extent..<extent).contains(position) else {
      throw TensorError(
        op: Options.word, "input has shape \(input), axis \(axis) no position \(position)")
    }
    var extents = input.dimensions
    extents.remove(at: axis - 1)
    return Shape(extents)
  }
}
