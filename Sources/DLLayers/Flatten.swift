import DLTensor

/// All axes but the batch in one, in the order of PyTorch's.
///
/// Images `[batch, height, width, channels]` give channel, height, width order. Sequences that
/// PyTorch has as `[batch, channels, length]`, as behind a ``Conv1d``, give channel, length order;
/// those behind recurrent layers, attention or ``Linear`` stay as they lie. In a ``Sequential`` the
/// last layer in front that works along sequences tells which. Counterpart: `torch.nn.Flatten`.
public final class Flatten: PlainLayer {
  override class var ownWord: String { "flatten" }

  /// True if sequences give channel, length order; nil for what the chain tells, and without one as
  /// they lie.
  package let channelsFirst: Bool?

  /// Makes a layer that goes by the chain that it is in.
  public required init() { channelsFirst = nil }

  /// Makes a layer whose order for sequences is given, as for use outside a ``Sequential``.
  public init(channelsFirst: Bool) { self.channelsFirst = channelsFirst }

  override func forward(from x: Tensor) throws -> Tensor {
    try x.flatten(channelsFirst: channelsFirst ?? false)
  }

  /// Applies the layer behind others of a chain, which work on sequences of a layout.
  func callAsFunction(_ x: Tensor, behind layout: SequenceLayout?) throws -> Tensor {
    let isFirst = isChannelsFirst(behind: layout)
    return try observed(x) { try x.flatten(channelsFirst: isFirst) }
  }

  /// Returns whether sequences are flattened with their channels first where a layer of such a
  /// layout is the last one in front that has any.
  func isChannelsFirst(behind layout: SequenceLayout?) -> Bool {
    channelsFirst ?? (layout == .channelsFirst)
  }

  /// All positions.
  override var ownReceptiveField: ReceptiveField { .everything }

  override func outputShape(from input: Shape) throws -> Shape { [input.count] }
}

/// The order of a sequence's axes in PyTorch; here they are `[batch, length, channels]` always.
public enum SequenceLayout: Sendable {
  /// `[batch, channels, length]`, as of convolutions and pooling.
  case channelsFirst
  /// `[batch, time, features]`, as of recurrent networks, attention and linear layers.
  case channelsLast
}

/// A layer with chains in it, whose first layers go by what stands in front of it.
protocol LayoutFollower: Module {
  /// Tells the layout that the layers in front work on.
  func follow(_ layout: SequenceLayout?)
}

extension BidirectionalCollection where Element == any Layer {
  /// The layout that the last layer with one works on.
  var sequenceLayout: SequenceLayout? {
    for layer in reversed() {
      if let layout = layer.sequenceLayout { return layout }
    }
    return nil
  }
}
