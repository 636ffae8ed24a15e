import DLConfiguration
import DLTensor

/// Channels rearranged into space.
///
/// Shapes: `[batch, height, width, channels · r²]` to `[batch, height · r, width · r, channels]`. Shi
/// et al. 2016. Counterpart: `torch.nn.PixelShuffle`.
public final class PixelShuffle: Module, Layer {
  /// The options of ``PixelShuffle`` in `model.layers`.
  public struct Options: LayerSpec {
    /// The name in `model.layers`.
    public static var word: String { "pixel_shuffle" }
    /// Pixels that one becomes, in each direction.
    public var upscaleFactor = 1
    /// Makes the options with their defaults.
    public init() {}
    /// The keys, in the order in which they are written.
    public static var fields: [ConfigurationField<Self>] {
      [
        .init(
          "upscale_factor", \.upscaleFactor, .windowExtent, required: true,
          "pixels that one becomes, in each direction; its square divides the channels")
      ]
    }
    /// Makes the layer for inputs of shape `[batch] + input`.
    public func layer(for input: Shape) -> any Layer { PixelShuffle(upscaleFactor) }
  }

  /// Pixels that one becomes, in each direction.
  public let factor: Int

  /// Makes the layer.
  public init(_ factor: Int) { self.factor = factor }

  /// Applies the layer.
  public func forward(_ x: Tensor) throws -> Tensor { try x.pixelShuffle(factor) }

  /// The position whose channels became its square.
  public var receptiveField: ReceptiveField {
    .transposed(Window2d(kernel: Size2d(factor, factor), stride: Size2d(factor, factor)))
  }

  /// The output's shape without its batch axis.
  public func outputShape(for input: Shape) throws -> Shape {
    try PixelFactor(factor).shuffled(op: "pixel_shuffle", input)
  }
}

/// Space rearranged into channels, the inverse of ``PixelShuffle``.
///
/// Shapes: `[batch, height · r, width · r, channels]` to `[batch, height, width, channels · r²]`.
/// Counterpart: `torch.nn.PixelUnshuffle`.
public final class PixelUnshuffle: Module, Layer {
  /// The options of ``PixelUnshuffle`` in `model.layers`.
  public struct Options: LayerSpec {
    /// The name in `model.layers`.
    public static var word: String { "pixel_unshuffle" }
    /// Pixels that become one, in each direction.
    public var downscaleFactor = 1
    /// Makes the options with their defaults.
    public init() {}
    /// The keys, in the order in which they are written.
    public static var fields: [ConfigurationField<Self>] {
      [
        .init(
          "downscale_factor", \.downscaleFactor, .windowExtent, required: true,
          "pixels that become one, in each direction; divides height and width")
      ]
    }
    /// Makes the layer for inputs of shape `[batch] + input`.
    public func layer(for input: Shape) -> any Layer { PixelUnshuffle(downscaleFactor) }
  }

  /// Pixels that become one, in each direction.
  public let factor: Int

  /// Makes the layer.
  public init(_ factor: Int) { self.factor = factor }

  /// Applies the layer.
  public func forward(_ x: Tensor) throws -> Tensor { try x.pixelUnshuffle(factor) }

  /// The square that became its channels.
  public var receptiveField: ReceptiveField {
    .window(Window2d(kernel: Size2d(factor, factor), stride: Size2d(factor, factor)))
  }

  /// The output's shape without its batch axis.
  public func outputShape(for input: Shape) throws -> Shape {
    try PixelFactor(factor).unshuffled(op: "pixel_unshuffle", input)
  }
}

/// Zeros around images.
///
/// Shapes: `[batch, height, width, channels]` to
/// `[batch, top + height + bottom, left + width + right, channels]`. Counterpart:
/// `torch.nn.ZeroPad2d`, whose order is left, right, top, bottom.
public final class ZeroPad2d: Module, Layer {
  /// The options of ``ZeroPad2d`` in `model.layers`.
  public struct Options: LayerSpec {
    /// The name in `model.layers`.
    public static var word: String { "zero_pad2d" }
    /// Rows above.
    public var top = 0
    /// Rows below.
    public var bottom = 0
    /// Columns to the left.
    public var left = 0
    /// Columns to the right.
    public var right = 0
    /// Makes the options with their defaults.
    public init() {}
    /// The keys, in the order in which they are written.
    public static var fields: [ConfigurationField<Self>] {
      [
        .init("top", \.top, .windowMargin, "rows above"),
        .init("bottom", \.bottom, .windowMargin, "rows below"),
        .init("left", \.left, .windowMargin, "columns to the left"),
        .init("right", \.right, .windowMargin, "columns to the right"),
      ]
    }
    /// Makes the layer for inputs of shape `[batch] + input`.
    public func layer(for input: Shape) -> any Layer {
      ZeroPad2d(top: top, bottom: bottom, left: left, right: right)
    }
  }

  private let top: Int
  private let bottom: Int
  private let left: Int
  private let right: Int

  /// Makes a layer that adds so many rows and columns.
  public init(top: Int = 0, bottom: Int = 0, left: Int = 0, right: Int = 0) {
    (self.top, self.bottom, self.left, self.right) = (top, bottom, left, right)
  }

  /// Applies the layer.
  public func forward(_ x: Tensor) throws -> Tensor {
    try x.zeroPad2d(top: top, bottom: bottom, left: left, right: right)
  }

  /// The output's shape without its batch axis.
  public func outputShape(for input: Shape) throws -> Shape {
    let op = "zero_pad2d"
    guard input.rank == 3 else {
      throw TensorError(op: op, "input has shape \(input), expected [height, width, channels]")
    }
    let size = try Window2d(
      kernel: 1, padding: .sides(top: top, bottom: bottom, left: left, right: right)
    ).padded(op: op, height: input[0], width: input[1])
    return [size.height, size.width, input[2]]
  }
}
