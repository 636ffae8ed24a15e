import DLCluster
import DLConfiguration

/// The choice of gradients as they are.
public struct NoCodecSpec: CodecSpec {
  /// The name as written in `compression`.
  public static var word: String { "none" }
  /// Makes the choice.
  public init() {}
  /// Makes nothing.
  public func makeCodec() -> (any GradientCodec)? { nil }
}

/// The choice of ``BFloat16Codec``.
public struct BFloat16Spec: CodecSpec {
  /// The name as written in `compression`.
  public static var word: String { "bf16" }
  /// Makes the choice.
  public init() {}
  /// Makes the codec.
  public func makeCodec() -> (any GradientCodec)? { BFloat16Codec() }
}

/// The choice of ``Float16Codec``.
public struct Float16Spec: CodecSpec {
  /// The name as written in `compression`.
  public static var word: String { "fp16" }
  /// Makes the choice.
  public init() {}
  /// Makes the codec.
  public func makeCodec() -> (any GradientCodec)? { Float16Codec() }
}

/// The options of ``TopKCodec``.
public struct TopKSpec: CodecSpec {
  /// The name as written in `compression`.
  public static var word: String { "top_k" }
  /// The part of each block of a gradient that is sent.
  public var ratio = 0.1

  /// Makes the options with their defaults.
  public init() {}

  /// The keys, in the order in which they are written.
  public static var fields: [ConfigurationField<Self>] {
    [.init("ratio", \.ratio, .within(1e-6...1), "part of each block that is sent")]
  }

  /// Makes the codec.
  public func makeCodec() -> (any GradientCodec)? { TopKCodec(ratio: ratio) }
}

/// The options of ``PowerSGDCodec``.
public struct PowerSGDSpec: CodecSpec {
  /// The name as written in `compression`.
  public static var word: String { "power_sgd" }
  /// The columns of the factors.
  public var rank = 4

  /// Makes the options with their defaults.
  public init() {}

  /// The keys, in the order in which they are written.
  public static var fields: [ConfigurationField<Self>] {
    [.init("rank", \.rank, .within(1...64), "columns of the factors")]
  }

  /// Makes the codec.
  public func makeCodec() -> (any GradientCodec)? { PowerSGDCodec(rank: rank) }
}
