import DLConfiguration
import DLTensor

extension Sequential {
  /// The options of ``Sequential`` in `model.layers`: a chain that is one layer of another.
  package struct Options: LayerSpec {
    package static var word: String { "sequential" }
    /// The layers in order.
    package var layers: [LayerConfiguration] = []
    package init() {}
    package static var fields: [ConfigurationField<Self>] {
      [.init("layers", \.layers, required: true, "layers that count as one")]
    }
    /// The layers of the chain.
    package var innerLayers: [[LayerConfiguration]] { [layers] }
    package func layer(for input: Shape) throws -> any Layer {
      try LayerConfiguration.chain(layers, input: input)
    }
  }
}
