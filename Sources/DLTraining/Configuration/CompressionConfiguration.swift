import DLCluster
import DLConfiguration

/// How gradients are compressed between hosts, or between processes that share no memory.
///
/// ``CodecRegistry`` lists the codecs with their own options.
public struct CompressionConfiguration: NamedChoiceSection {
  /// The name of a codec.
  public typealias Name = ChoiceName<Self>

  /// The codec.
  public var name = Name(NoCodecSpec.self)
  /// The options of the codec that were given.
  public var options = ChosenOptions()

  /// Makes the section with its defaults.
  public init() {}

  /// Chooses a codec with its default options.
  package init(name: Name) { self.name = name }

  /// The codecs that can be named.
  public static var optionTypes: [any ConfigurationOption.Type] { CodecRegistry.all.map { $0 } }

  /// The keys that go with every codec.
  public static var sharedFields: [ConfigurationField<Self>] {
    [.init("name", \.name, "none, or what halves or thins out gradients between hosts")]
  }

  /// The keys that are written under every name.
  public static var writtenKeys: [String] { ["name", "ratio", "rank"] }

  /// Makes what encodes the gradients; nil for nothing.
  package var codec: (any GradientCodec)? { (chosenOption as? any CodecSpec)?.makeCodec() }
}
