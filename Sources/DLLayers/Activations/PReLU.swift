import DLConfiguration
import DLCore
import DLTensor

/// `x` where positive, `weight · x` elsewhere, the weight learned.
///
/// Shapes: `[..., channels]`, unchanged. He et al. 2015. Counterpart: `torch.nn.PReLU`.
public final class PReLU: BuiltInLayer {
  /// The options of ``PReLU`` in `model.layers`.
  package struct Options: LayerSpec {
    package static var word: String { "prelu" }
    /// 1, or the number of channels.
    package var numParameters = 1
    /// First value of the weight.
    package var initialValue = 0.25
    package init() {}
    package static var fields: [ConfigurationField<Self>] {
      [
        .init(
          "num_parameters", \.numParameters, .within(1...1_048_576), "1, or the number of channels"),
        .init("init", \.initialValue, "first value of the weight"),
      ]
    }
    package func layer(for input: Shape) -> any Layer { PReLU(self) }
  }

  /// The slope below zero, `[1]` or `[channels]`.
  public let weight: Parameter

  /// Makes a layer by its options.
  package init(_ options: Options) {
    weight = Parameter([options.numParameters], initializer: .constant(options.initialValue))
  }

  /// Makes a layer with one slope for all channels, or one for each.
  public convenience init(count: Int = 1, initialValue: Double = 0.25) {
    self.init(.with { ($0.numParameters, $0.initialValue) = (count, initialValue) })
  }

  override func forward(from x: Tensor) throws -> Tensor { try x.prelu(weight.value) }

  override func outputShape(from input: Shape) throws -> Shape {
    let slopes = weight.shape[0]
    guard slopes == 1 || input.rank >= 1 && input.last == slopes else {
      throw TensorError(
        op: "prelu",
        "input has shape \(input), weight expects \(counted(slopes, "channel")) in the last axis")
    }
    return input
  }
}
