import DLConfiguration
import DLTensor

/// A linear layer or a convolution whose weight is divided by its largest singular value, so that it
/// makes no difference longer.
///
/// `y = (W / σ) x + b`, `σ = uᵀ W v`, where u and v are brought closer to the singular vectors by one
/// power iteration in each forward pass of training; gradients flow through σ. Miyato et al. 2018,
/// algorithm 1. Counterpart: `torch.nn.utils.parametrizations.spectral_norm`, which draws u, brings it closer 15 times
/// before the first step, and keeps v in its files beside u; here u begins as equal numbers, and v is made from it.
public final class SpectralNorm: BuiltInLayer {
  /// The options of ``SpectralNorm`` in `model.layers`.
  package struct Options: LayerSpec {
    package static var word: String { "spectral_norm" }
    /// The layer whose weight is normalized, as a list of one.
    package var layers: [LayerConfiguration] = []
    package init() {}
    package static var fields: [ConfigurationField<Self>] {
      [
        .init(
          "layers", \.layers, ConfigurationRule.none.count(1), required: true,
          "one linear, conv1d or conv2d layer")
      ]
    }
    package func layer(for input: Shape) throws -> any Layer {
      let chain = try LayerConfiguration.chain(layers, input: input, path: "layers")
      return try SpectralNorm(chain.layers[0])
    }
  }

  /// The layer with the weight as it is trained.
  package let layer: any Layer
  let weight: Parameter
  private let bias: Parameter?
  /// The left singular vector so far, `[outputs]`; not yet of length 1 at the start.
  public let weightU: Buffer
  private let outputsAreFirst: Bool

  /// Wraps a ``Linear``, ``Conv1d`` or ``Conv2d``.
  ///
  /// - Throws: ``TensorError`` for another layer.
  public init(_ layer: any Layer) throws {
    self.layer = layer
    switch layer {
    case let linear as Linear: (weight, bias, outputsAreFirst) = (linear.weight, linear.bias, true)
    case let conv as Conv1d: (weight, bias, outputsAreFirst) = (conv.weight, conv.bias, false)
    case let conv as Conv2d: (weight, bias, outputsAreFirst) = (conv.weight, conv.bias, false)
    default:
      throw TensorError(
        op: "spectral_norm", "takes a linear, conv1d or conv2d layer, not \(type(of: layer))")
    }
    let outputs = outputsAreFirst ? weight.shape[0] : weight.shape.last
    weightU = Buffer([outputs], initialValue: 1)
  }

  /// The layer's parameters under its own names, and the vector `weight_u`.
  override var ownChildren: [(name: String, value: Any)] {
    layer.children + [("weight_u", weightU)]
  }

  override func forward(from x: Tensor) throws -> Tensor {
    let sigma = try sigma(x.context)
    let y = try layer(x)
    guard let bias = try bias?.value else { return try y / sigma }
    return try (y - bias) / sigma + bias
  }

  /// The largest singular value, as far as it is known, recorded.
  func sigma(_ context: Context) throws -> Tensor {
    let value = try weight.value
    let outputs = weightU.shape[0]
    // Rows are outputs, columns all that goes into one.
    let matrix =
      outputsAreFirst
      ? try value.reshape([outputs, value.count / outputs])
      : try value.reshape([value.count / outputs, outputs]).permute(1, 0)
    let u = try weightU.value
    let (left, right) = try context.withoutRecording {
      let right = try unit(u.reshape([1, outputs]).matmul(matrix))
      guard context.isTraining else { return (try unit(u.reshape([1, outputs])), right) }
      let left = try unit(right.matmul(matrix.permute(1, 0)))
      u.pointer.copyMemory(from: left.pointer, byteCount: u.byteCount)
      return (try left.reshape([1, outputs]), right)
    }
    return try left.matmul(matrix).matmul(right.permute(1, 0)).reshape([])
  }

  private func unit(_ x: Tensor) throws -> Tensor {
    try x / ((x * x).sum().sqrt() + 1e-12)
  }

  /// The positions that the layer sees.
  override var ownReceptiveField: ReceptiveField { layer.receptiveField }

  /// As many products as the layer has.
  override func multiplyAdds(from input: Shape, to output: Shape) -> Int {
    layer.multiplyAdds(input: input, output: output)
  }

  /// Those that the layer makes.
  override func lengths(of output: Tensor, from input: Tensor) throws -> Tensor? {
    try layer.lengths(of: output, input: input)
  }

  /// The layer's own.
  override var ownSequenceLayout: SequenceLayout? { layer.sequenceLayout }

  override func outputShape(from input: Shape) throws -> Shape { try layer.outputShape(for: input) }
}
