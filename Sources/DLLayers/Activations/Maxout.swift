import DLConfiguration
import DLTensor

/// The largest of every `pieces` neighbors along the last axis.
///
/// Behind a linear layer or a convolution with `pieces` times the outputs it is a maxout unit.
/// Shapes: `[..., channels · pieces]` to `[..., channels]`. Goodfellow et al. 2013.
public final class Maxout: BuiltInLayer {
  /// The options of ``Maxout`` in `model.layers`.
  package struct Options: LayerSpec {
    package static var word: String { "maxout" }
    /// The number of neighbors of which the largest goes on.
    package var pieces = 2
    package init() {}
    package static var fields: [ConfigurationField<Self>] {
      [
        .init("pieces", \.pieces, .within(2...1024), "how many neighbors compete")
      ]
    }
    package func layer(for input: Shape) -> any Layer { Maxout(self) }
  }

  package let options: Options

  package init(_ options: Options) { self.options = options }

  /// Makes the layer that takes the largest of `pieces` neighbors.
  public convenience init(pieces: Int = 2) { self.init(.with { $0.pieces = pieces }) }

  override func forward(from x: Tensor) throws -> Tensor { try x.maxout(pieces: options.pieces) }

  override func outputShape(from input: Shape) throws -> Shape {
    try Tensor.maxoutShape(input, pieces: options.pieces)
  }
}
