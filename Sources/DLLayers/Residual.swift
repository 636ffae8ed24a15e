import DLConfiguration
import DLTensor

/// A chain with a connection around it: `y = layers(x) + shortcut(x)`, the shortcut being the
/// identity by default.
///
/// He et al. 2016, "Deep Residual Learning for Image Recognition", equations 1 and 2.
public final class Residual: ReLUFusingLayer {
  /// The options of ``Residual`` in `model.layers`.
  package struct Options: LayerSpec {
    package static var word: String { "residual" }
    /// The branch.
    package var layers: [LayerConfiguration] = []
    /// Layers on the shortcut; the identity unless given.
    package var shortcut: [LayerConfiguration]?
    package init() {}
    package static var fields: [ConfigurationField<Self>] {
      [
        .init("layers", \.layers, required: true, "the branch"),
        .init("shortcut", \.shortcut, "layers on the shortcut; the identity unless given"),
      ]
    }
    package func problems() -> [ConfigurationProblem] {
      layers.isEmpty ? [.init("layers", message: "a residual needs at least one layer")] : []
    }
    /// The layers of both ways.
    package var innerLayers: [[LayerConfiguration]] { [layers, shortcut ?? []] }
    package func layer(for input: Shape) throws -> any Layer {
      Residual(
        try LayerConfiguration.chain(layers, input: input, path: "layers"),
        shortcut: try shortcut.map {
          try LayerConfiguration.chain($0, input: input, path: "shortcut")
        })
    }
  }

  /// The residual branch.
  package let layers: Sequential
  /// The projection beside it; nil for the identity.
  package let shortcut: Sequential?

  /// Makes a block; both branches must give the same shape.
  public init(_ layers: Sequential, shortcut: Sequential? = nil) {
    self.layers = layers
    self.shortcut = shortcut
  }

  /// Applies both ways, and a ReLU behind their sum if `relu`.
  override func forward(_ x: Tensor, relu: Bool) throws -> Tensor {
    try layers(x, adding: { try shortcut?(x) ?? x }, relu: relu)
  }

  /// The layout that the last layer of the branch with one works on.
  override var ownSequenceLayout: SequenceLayout? { layers.sequenceLayout }

  override func outputShape(from input: Shape) throws -> Shape {
    let branch = try layers.outputShape(for: input)
    let around = try shortcut?.outputShape(for: input) ?? input
    guard branch == around else {
      throw TensorError(
        op: "residual",
        "layers give \(branch), the shortcut \(around); add a shortcut with a matching convolution")
    }
    return branch
  }
}

extension Residual: LayoutFollower {
  /// Both ways stand behind the same layers.
  func follow(_ layout: SequenceLayout?) {
    layers.follow(layout)
    shortcut?.follow(layout)
  }
}
