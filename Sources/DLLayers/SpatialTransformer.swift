import DLConfiguration
import DLTensor

/// A network that looks at an image, chooses an affine map from it, and gives the image under that
/// map.
///
/// `θ = theta(localization(x))`, `y = gridSample(x, affineGrid(θ))`; θ starts as the identity.
/// Shapes: `[batch, height, width, channels]` to `[batch, oh, ow, channels]`. Jaderberg et al.
/// 2015. Counterpart: `torch.nn.functional.affine_grid` and `grid_sample`.
public final class SpatialTransformer: BuiltInLayer {
  /// The options of ``SpatialTransformer`` in `model.layers`.
  package struct Options: LayerSpec {
    package static var word: String { "spatial_transformer" }
    /// The layers that look at the image; a linear layer makes the map from their output.
    package var layers: [LayerConfiguration] = []
    /// Output size, one integer or [height, width]; the input's unless given.
    package var size: Size2d?
    /// The pixels outside the image.
    package var paddingMode = SamplePadding.zeros
    /// True if -1 and 1 are the centers of the corner pixels, not their edges.
    package var alignCorners = false
    package init() {}
    package static var fields: [ConfigurationField<Self>] {
      [
        .init(
          "layers", \.layers, required: true,
          "what looks at the image; a linear layer makes the map from their output"),
        .init(
          "size", \.size, .layerSize,
          "output size, one integer or [height, width]; the input's unless given"),
        .init("padding_mode", \.paddingMode, "what lies outside the image: zeros or border"),
        .init(
          "align_corners", \.alignCorners,
          "whether -1 and 1 are the centers of the corner pixels, not their edges"),
      ]
    }
    /// The layers that look at the image.
    package var innerLayers: [[LayerConfiguration]] { [layers] }
    package func layer(for input: Shape) throws -> any Layer {
      let chain = try LayerConfiguration.chain(layers, input: input, path: "layers")
      return SpatialTransformer(
        localization: chain, features: try chain.outputShape(for: input).count, self)
    }
  }

  /// The network that looks at the image; its output is flattened.
  package let localization: Sequential
  /// From the features to the six numbers of the map.
  package let theta: Linear

  package let options: Options

  /// Makes a transformer by its options but for their layers, which are there already.
  package init(localization: Sequential, features: Int, _ options: Options) {
    self.localization = localization
    self.options = options
    theta = Linear(inputFeatures: features, outputFeatures: 6)
    theta.weight.initializer = .zeros
    theta.bias?.initializer = Initializer { _, _ in [1, 0, 0, 0, 1, 0] }
  }

  /// Makes a transformer.
  ///
  /// - Parameters:
  ///   - features: values per sample that `localization` gives.
  ///   - size: the output's size; the input's if nil.
  public convenience init(
    localization: Sequential, features: Int, size: Size2d? = nil, padding: SamplePadding = .zeros,
    alignCorners: Bool = false
  ) {
    self.init(
      localization: localization, features: features,
      .with { ($0.size, $0.paddingMode, $0.alignCorners) = (size, padding, alignCorners) })
  }

  override func forward(from x: Tensor) throws -> Tensor {
    guard x.shape.rank == 4 else { throw unfit(x.shape) }
    let map = try theta(localization(x).flatten()).reshape([x.shape[0], 2, 3])
    let grid = try map.affineGrid(
      options.size ?? Size2d(x.shape[1], x.shape[2]), alignCorners: options.alignCorners)
    return try x.gridSample(
      grid, padding: options.paddingMode, alignCorners: options.alignCorners)
  }

  override func outputShape(from input: Shape) throws -> Shape {
    try requirePixels("spatial_transformer", input)
    let features = try localization.outputShape(for: input)
    let map = try theta.located { try theta.outputShape(for: [features.count]) }
    guard map == [6] else { throw unfit(input) }
    return [options.size?.height ?? input[0], options.size?.width ?? input[1], input[2]]
  }

  private func unfit(_ shape: Shape) -> TensorError {
    TensorError(
      op: "spatial_transformer",
      "input has shape \(shape), expected [batch, height, width, channels]")
  }
}

extension SamplePadding: ConfigurationWord {}
