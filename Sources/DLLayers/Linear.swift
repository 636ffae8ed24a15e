import DLConfiguration
import DLCore
import DLTensor

/// A fully connected layer: `y = x · weightᵀ + bias`, on the last axis.
///
/// Shapes: `[..., in]` to `[..., out]`; weight `[out, in]`, bias `[out]`. Counterpart:
/// `torch.nn.Linear`.
public final class Linear: ReLUFusingLayer {
  /// The options of ``Linear`` in `model.layers`; the number of inputs comes from the data.
  package struct Options: LayerSpec {
    package static var word: String { "linear" }
    /// Outputs.
    package var out = 0
    /// True to add a bias per output.
    package var bias = true
    package init() {}
    package static var fields: [ConfigurationField<Self>] {
      [
        .init("out", \.out, .layerSize, required: true, "outputs"),
        .init("bias", \.bias, "whether to add a bias per output"),
      ]
    }
    package func layer(for input: Shape) throws -> any Layer {
      Linear(
        inputFeatures: try features(Self.word, input), outputFeatures: out, bias: bias)
    }
  }

  /// The weight, `[out, in]`.
  public let weight: Parameter
  /// The bias, `[out]`.
  public let bias: Parameter?

  /// Makes a layer from `inputFeatures` to `outputFeatures`.
  ///
  /// - Parameter layout: `transposed` where files hold the weight as `[in, out]`.
  public init(
    inputFeatures: Int, outputFeatures: Int, bias: Bool = true, layout: ParameterLayout = .plain
  ) {
    weight = Parameter(
      [outputFeatures, inputFeatures], layout: layout, initializer: .fanIn(inputFeatures))
    self.bias = bias ? Parameter([outputFeatures], initializer: .fanIn(inputFeatures)) : nil
  }

  /// Makes a layer whose weight `[out, in]` is another's, as that of the words' table for the
  /// logits of the next word.
  public init(tiedTo weight: Parameter, bias: Bool = false) {
    self.weight = weight
    self.bias =
      bias ? Parameter([weight.shape[0]], initializer: .fanIn(weight.shape[1])) : nil
  }

  /// Applies the layer, and a ReLU behind it if `relu`.
  override func forward(_ x: Tensor, relu: Bool) throws -> Tensor {
    try x.linear(weight.value, bias: bias?.value, relu: relu)
  }

  /// Applies the layer and a GELU behind it, as one op unless somebody watches the layers' outputs.
  ///
  /// Shapes: `[..., in]` to `[..., out]`.
  ///
  /// - Throws: ``TensorError`` for shapes that do not fit, or where there is no memory.
  package func callAsFunction(_ x: Tensor, gelu approximation: GELUApproximation) throws -> Tensor {
    guard x.context.layerObserver == nil else { return try self(x).gelu(approximation) }
    return try observed(x) {
      try x.linear(weight.value, bias: bias?.value, gelu: approximation)
    }
  }

  /// Applies the layer, and the layer GELU behind it likewise.
  ///
  /// Shapes: `[..., in]` to `[..., out]`.
  ///
  /// - Throws: ``TensorError`` for shapes that do not fit, or where there is no memory.
  package func callAsFunction(_ x: Tensor, _ gelu: GELU) throws -> Tensor {
    guard x.context.layerObserver == nil else { return try gelu(self(x)) }
    return try self(x, gelu: gelu.options.approximate)
  }

  /// PyTorch's counterpart takes `[batch, time, features]`.
  override var ownSequenceLayout: SequenceLayout? { .channelsLast }

  override func outputShape(from input: Shape) throws -> Shape {
    guard input.rank >= 1, input.last == weight.shape[1] else {
      throw TensorError(
        op: "linear",
        "input has shape \(input), weight expects \(counted(weight.shape[1], "feature"))")
    }
    var output = input
    output[-1] = weight.shape[0]
    return output
  }
}
