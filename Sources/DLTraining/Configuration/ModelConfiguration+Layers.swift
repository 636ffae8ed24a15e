import DLConfiguration
import DLLayers

extension ModelConfiguration {
  /// Reads `layers` with the uses of `blocks` written out.
  static func chain(
    _ layers: ConfigurationNode, blocks: ConfigurationNode?, at path: String,
    faults: inout ConfigurationFaults
  ) -> [LayerConfiguration]? {
    var written = layers
    if let blocks {
      let words = LayerRegistry.all.map { $0.word }
      guard
        let definitions = BlockDefinitions(
          blocks, at: "\(path).blocks", reserved: words, faults: &faults),
        let whole = definitions.expanding(layers, at: "\(path).layers", faults: &faults)
      else { return nil }
      written = whole
    }
    guard
      let chain = [LayerConfiguration].read(
        written, at: "\(path).layers", rule: .none, faults: &faults)
    else { return nil }
    func refuse(_ message: String) -> [LayerConfiguration]? {
      faults.add("\(path).layers", message, at: layers.place)
      return nil
    }
    guard !chain.isEmpty else { return refuse("expected at least one layer") }
    let limit = LayerConfiguration.maximumLayers
    guard LayerConfiguration.count(chain) <= limit else {
      return refuse("more than \(limit) layers with all that are repeated")
    }
    // A run keeps its network as text, which has to be read again.
    guard blocks == nil || chain.node.yaml().utf8.count < ConfigurationNode.maximumBytes / 2 else {
      return refuse("the blocks written out are larger than 512 KiB; use repeat")
    }
    return chain
  }
}
