import DLCluster
import DLConfiguration

/// A codec of gradients that a configuration can name: its options, and how it is made from them.
///
/// A file holds the codec with its spec, and ``CodecRegistry`` lists it.
public protocol CodecSpec: ConfigurationOption {
  /// Makes what encodes the gradients; nil for nothing.
  func makeCodec() -> (any GradientCodec)?
}

extension CodecSpec {
  /// No options.
  public static var fields: [ConfigurationField<Self>] { [] }
}

/// The codecs of gradients that a configuration can name.
public enum CodecRegistry {
  /// Those that come with dltrain; a new one adds its own here.
  package static let builtIn: [any CodecSpec.Type] = [
    NoCodecSpec.self,
    BFloat16Spec.self,
    Float16Spec.self,
    TopKSpec.self,
    PowerSGDSpec.self,
  ]

  private static let registry = TypeRegistry("codec", builtIn) { ($0.word, $0) }

  /// All codecs, a program's own after those of dltrain.
  package static var all: [any CodecSpec.Type] { registry.all }

  /// Makes a codec of a program's own known to every configuration that is read from now on.
  ///
  /// - Throws: `RegistryError` where another type has the same name.
  public static func register(_ type: any CodecSpec.Type) throws { try registry.register(type) }
}
