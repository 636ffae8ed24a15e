import DLConfiguration
import DLTensor

/// Zeroes whole channels of a row with probability `p` in training and scales the others by
/// `1 / (1 - p)`.
///
/// The mask is keyed as that of ``Dropout``, by row and channel. Shapes: `[batch, ..., channels]`.
/// Counterpart: `torch.nn.Dropout1d` and `torch.nn.Dropout2d`.
public final class ChannelDropout: BuiltInLayer {
  /// The options of ``ChannelDropout`` in `model.layers`.
  package struct Options: LayerSpec {
    package static var word: String { "channel_dropout" }
    /// The probability to zero a channel.
    package var p = 0.5
    package init() {}
    package static var fields: [ConfigurationField<Self>] {
      [.init("p", \.p, .within(0..<1), "the probability to zero a channel")]
    }
    package func layer(for input: Shape) -> any Layer { ChannelDropout(self) }
  }

  package let options: Options
  private var calls = DropoutCalls()

  package init(_ options: Options) { self.options = options }

  /// Makes the layer, with `p` in `0 ..< 1`.
  public convenience init(p: Double = 0.5) { self.init(.with { $0.p = p }) }

  override func forward(from x: Tensor) throws -> Tensor {
    guard x.context.isTraining, options.p > 0 else { return x }
    return try x.channelDropout(options.p, key: calls.next(x.context, path: path))
  }
}
