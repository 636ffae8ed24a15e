import DLCluster
import DLConfiguration

/// How gradients are compressed between hosts, or between processes that share no memory.
public struct CompressionConfiguration: ConfigurationSection {
  /// The known codecs.
  public enum Name: String, ConfigurationWord {
    case none, bf16, fp16
    case topK = "top_k"
    case powerSGD = "power_sgd"
  }

  /// The codec.
  public var name = Name.none
  /// The part of each block of a gradient that top_k sends.
  public var ratio = 0.1
  /// The columns of power_sgd's factors.
  public var rank = 4

  /// Makes the section with its defaults.
  public init() {}

  /// The keys, in the order in which they are written.
  public static var fields: [ConfigurationField<Self>] {
    [
      .init("name", \.name, "none, or what halves or thins out gradients between hosts"),
      .init("ratio", \.ratio, .within(1e-6...1), "part of each block that top_k sends"),
      .init("rank", \.rank, .within(1...64), "columns of the factors of power_sgd"),
    ]
  }

  /// What one of the codecs alone has.
  public static var optionOwners: [String: [String]] {
    Name.owners([("ratio", [.topK]), ("rank", [.powerSGD])])
  }

  /// Faults that concern several keys at once.
  public func problems() -> [ConfigurationProblem] { misplacedOptions([name]) }

  /// What encodes the gradients; nil for none.
  public var codec: (any GradientCodec)? {
    switch name {
    case .none: nil
    case .bf16: BFloat16Codec()
    case .fp16: Float16Codec()
    case .topK: TopKCodec(ratio: ratio)
    case .powerSGD: PowerSGDCodec(rank: rank)
    }
  }
}
