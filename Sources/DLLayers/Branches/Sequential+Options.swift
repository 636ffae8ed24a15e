import DLConfiguration
import DLTensor

extension Sequential {
  /// The options of ``Sequential`` in `model.layers`: a chain that is one layer of another.
  package struct Options: LayerSpec {
    /// The name in `model.layers`.
    package static var word: String { "sequential" }
    /// The layers in order.
    package var layers: [LayerConfiguration] = []
    /// Makes the options with their defaults.
    package init() {}
    /// The keys, in the order in which they are written.
    package static var fields: [ConfigurationField<Self>] {
      [.init("layers", \.layers, required: true, "layers that count as one")]
    }
    /// The layers of the chain.
    package var innerLayers: [[LayerConfiguration]] { [layers] }
    /// Makes the layer for inputs of shape `[batch] + input`.
    package func layer(for input: Shape) throws -> any Layer {
      try LayerConfiguration.chain(layers, input: input)
    }
  }
}
