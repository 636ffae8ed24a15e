import DLCluster
import DLConfiguration

/// The compression of gradients between hosts, or between processes that share no memory.
///
/// ``CodecRegistry`` lists the codecs with their own options.
package struct CompressionConfiguration: NamedChoiceSection {
  /// The name of a codec.
  package typealias Name = ChoiceName<Self>

  /// The codec.
  package var name = Name(NoCodecSpec.self)
  /// The options of the codec that were given.
  package var options = ChosenOptions()

  package init() {}

  /// Chooses a codec with its default options.
  package init(name: Name) { self.name = name }

  /// The codecs that can be named.
  package static var optionTypes: [any ConfigurationOption.Type] { CodecRegistry.all.map { $0 } }

  /// The keys that go with every codec.
  package static var sharedFields: [ConfigurationField<Self>] {
    [.init("name", \.name, "none, or what halves or thins out gradients between hosts")]
  }

  /// The keys that are written under every name.
  package static var writtenKeys: [String] { ["name", "ratio", "rank"] }

  /// Makes what encodes the gradients; nil for nothing.
  package var codec: (any GradientCodec)? { (chosenOption as? any CodecSpec)?.makeCodec() }
}
