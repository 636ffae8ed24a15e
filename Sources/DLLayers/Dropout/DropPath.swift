import DLConfiguration
import DLTensor

/// Zeroes whole rows with probability `p` in training and scales the others by `1 / (1 - p)`:
/// stochastic depth, as the last layer of a residual branch.
///
/// The mask is keyed as that of ``Dropout``, by row. Shapes: `[batch, ...]`. Huang et al. 2016.
/// Counterpart: `torchvision.ops.StochasticDepth(p, mode="row")`.
public final class DropPath: BuiltInLayer {
  /// The options of ``DropPath`` in `model.layers`.
  package struct Options: LayerSpec {
    package static var word: String { "drop_path" }
    /// The probability to zero a row.
    package var p = 0.1
    package init() {}
    package static var fields: [ConfigurationField<Self>] {
      [.init("p", \.p, .within(0..<1), "the probability to zero a row")]
    }
    package func layer(for input: Shape) -> any Layer { DropPath(self) }
  }

  package let options: Options
  private var calls = DropoutCalls()

  package init(_ options: Options) { self.options = options }

  /// Makes the layer, with `p` in `0 ..< 1`.
  public convenience init(p: Double = 0.1) { self.init(.with { $0.p = p }) }

  override func forward(from x: Tensor) throws -> Tensor {
    guard x.context.isTraining, options.p > 0 else { return x }
    return try x.dropPath(options.p, key: calls.next(x.context, path: path))
  }
}
