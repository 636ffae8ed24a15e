import DLTensor

/// All axes but the batch in one, in the order of PyTorch's.
///
/// Images `[batch, height, width, channels]` give channel, height, width order. Sequences that
/// PyTorch has as `[batch, channels, length]`, as behind a ``Conv1d``, give channel, length order;
/// those behind recurrent layers, attention or ``Linear`` stay as they lie. In a ``Sequential`` the
/// last layer in front that works along sequences tells which. Counterpart: `torch.nn.Flatten`.
public final class Flatten: Module, Layer {
  /// Whether sequences give channel, length order; nil for what the chain tells, and without one as
  /// they lie.
  public let channelsFirst: Bool?

  /// Makes a layer that goes by the chain that it is in.
  public required override init() { channelsFirst = nil }

  /// Makes a layer whose order for sequences is given, as for use outside a ``Sequential``.
  public init(channelsFirst: Bool) { self.channelsFirst = channelsFirst }

  /// Applies the layer.
  public func forward(_ x: Tensor) throws -> Tensor {
    try x.flatten(channelsFirst: channelsFirst ?? false)
  }

  /// Applies the layer behind others of a chain.
  func callAsFunction(_ x: Tensor, behind layers: ArraySlice<any Layer>) throws -> Tensor {
    let isFirst = channelsFirst ?? layers.channelsFirst ?? false
    return try observed(x) { try x.flatten(channelsFirst: isFirst) }
  }

  /// The output's shape without its batch axis.
  public func outputShape(for input: Shape) throws -> Shape { [input.count] }
}

extension Flatten: OptionlessLayer {
  /// The name in `model.layers`.
  public static var word: String { "flatten" }
}

extension Collection where Element == any Layer, Self: BidirectionalCollection {
  /// What the last layer that says so works on: sequences that PyTorch has as
  /// `[batch, channels, length]`, or as `[batch, time, features]`.
  fileprivate var channelsFirst: Bool? {
    for layer in reversed() {
      switch layer {
      case is Conv1d, is ConvTranspose1d, is MaxPool1d, is AvgPool1d, is AdaptiveAvgPool1d,
        is AdaptiveMaxPool1d, is Upsample:
        return true
      case is Linear, is LayerNorm, is RMSNorm, is Recurrent, is Embedding, is any PositionalLayer,
        is MultiHeadAttention, is TransformerEncoderLayer, is TransformerEncoder:
        return false
      case let chain as Sequential:
        if let inner = chain.layers.channelsFirst { return inner }
      case let block as Residual:
        if let inner = block.layers.layers.channelsFirst { return inner }
      default: continue
      }
    }
    return nil
  }
}
