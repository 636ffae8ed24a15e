import DLCluster
import DLConfiguration

/// The choice of gradients as they are.
package struct NoCodecSpec: CodecSpec {
  package static var word: String { "none" }
  package init() {}
  /// Makes nothing.
  package func makeCodec() -> (any GradientCodec)? { nil }
}

/// The choice of ``BFloat16Codec``.
package struct BFloat16Spec: CodecSpec {
  package static var word: String { "bf16" }
  package init() {}
  package func makeCodec() -> (any GradientCodec)? { BFloat16Codec() }
}

/// The choice of ``Float16Codec``.
package struct Float16Spec: CodecSpec {
  package static var word: String { "fp16" }
  package init() {}
  package func makeCodec() -> (any GradientCodec)? { Float16Codec() }
}

/// The options of ``TopKCodec``.
package struct TopKSpec: CodecSpec {
  package static var word: String { "top_k" }
  /// The part of each block of a gradient that is sent.
  package var ratio = 0.1

  package init() {}

  package static var fields: [ConfigurationField<Self>] {
    [.init("ratio", \.ratio, .within(1e-6...1), "part of each block that is sent")]
  }

  package func makeCodec() -> (any GradientCodec)? { TopKCodec(ratio: ratio) }
}

/// The options of ``PowerSGDCodec``.
package struct PowerSGDSpec: CodecSpec {
  package static var word: String { "power_sgd" }
  /// The columns of the factors.
  package var rank = 4

  package init() {}

  package static var fields: [ConfigurationField<Self>] {
    [.init("rank", \.rank, .within(1...64), "columns of the factors")]
  }

  package func makeCodec() -> (any GradientCodec)? { PowerSGDCodec(rank: rank) }
}
