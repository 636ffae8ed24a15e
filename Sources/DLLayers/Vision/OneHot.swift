import DLConfiguration
import DLTensor

/// Integers as vectors of zeros with a one at their place.
///
/// Shapes: int32 `[...]` to `[..., classes]`. Counterpart: `torch.nn.functional.one_hot`, whose
/// integers are numbers here.
public final class OneHot: BuiltInLayer {
  /// The options of ``OneHot`` in `model.layers`.
  package struct Options: LayerSpec {
    package static var word: String { "one_hot" }
    /// The number of integers, from 0 on.
    package var classes = 0
    package init() {}
    package static var fields: [ConfigurationField<Self>] {
      [.init("classes", \.classes, .layerSize, required: true, "how many integers there are")]
    }
    package func layer(for input: Shape) -> any Layer { OneHot(classes: classes) }
  }

  /// The number of integers.
  package let classes: Int

  /// Makes a layer for integers from 0 to one less than `classes`.
  public init(classes: Int) { self.classes = classes }

  override func forward(from x: Tensor) throws -> Tensor { try x.oneHot(classes: classes) }

  /// The integers.
  override var ownInputDomain: ValueDomain { .indices(count: classes) }

  /// PyTorch's counterpart gives `[batch, time, features]`.
  override var ownSequenceLayout: SequenceLayout? { .channelsLast }

  override func outputShape(from input: Shape) throws -> Shape {
    guard input.rank < Shape.maximumRank - 1 else {
      throw TensorError(
        op: Options.word, "input has shape \(input), which leaves no axis for the classes")
    }
    return Shape(input.dimensions + [classes])
  }
}
