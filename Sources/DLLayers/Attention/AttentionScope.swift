import DLConfiguration
import DLTensor

/// The positions of a text that each of its positions sees, for every layer of self-attention.
public struct AttentionScope: Sendable, Equatable {
  /// True if positions see no later one.
  package var causal: Bool
  /// The largest distance at which one position sees another; nil for any.
  package var window: Int?
  /// The rotation of queries and keys by their positions.
  package var rotary: RotaryPositions

  /// Makes the scope of a layer; every position sees every other by default.
  public init(
    causal: Bool = false, window: Int? = nil, rotary: RotaryPositions = RotaryPositions(.none)
  ) {
    self.causal = causal
    self.window = window
    self.rotary = rotary
  }

  static func fields<Options: LayerSpec>(in scope: WritableKeyPath<Options, Self>)
    -> [ConfigurationField<Options>]
  {
    [
      .init(
        "causal", scope.appending(path: \.causal), "whether positions see no later one"),
      .init(
        "window", scope.appending(path: \.window), .within(0...1_048_576),
        "the largest distance at which one sees another; any unless given"),
      .init(
        "rotary", scope.appending(path: \.rotary.style),
        "which features rotary positions turn as pairs: interleaved or half; none for no rotary "
          + "positions"),
    ]
  }
}

extension RotaryStyle: ConfigurationWord {}
