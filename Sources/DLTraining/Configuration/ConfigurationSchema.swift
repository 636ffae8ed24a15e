import DLConfiguration
import DLLayers
import Foundation

/// The JSON Schema of a configuration, from the same table as its decoder.
package enum ConfigurationSchema {
  /// The schema as JSON text (draft 2020-12), keys sorted.
  ///
  /// - Throws: never in practice; what the encoder throws.
  package static func json() throws -> String {
    guard case .mapping(let entries) = Configuration.schema(.none).value else { return "{}" }
    let head: [ConfigurationNode.Entry] = [
      .init("$schema", "https://json-schema.org/draft/2020-12/schema".node),
      .init("title", "dltrain configuration".node),
      .init(
        "$defs",
        .init([
          "layer": LayerConfiguration.definition, "init": LayerConfiguration.startDefinition,
        ])),
    ]
    let encoder = JSONEncoder()
    encoder.outputFormatting = [.prettyPrinted, .sortedKeys, .withoutEscapingSlashes]
    return String(
      decoding: try encoder.encode(ConfigurationNode(.mapping(head + entries))), as: UTF8.self)
  }
}
