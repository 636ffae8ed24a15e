import DLConfiguration
import DLTensor

/// Channels rearranged into space.
///
/// Shapes: `[batch, height, width, channels · r²]` to `[batch, height · r, width · r, channels]`.
/// Shi et al. 2016. Counterpart: `torch.nn.PixelShuffle`.
public final class PixelShuffle: BuiltInLayer {
  /// The options of ``PixelShuffle`` in `model.layers`.
  package struct Options: LayerSpec {
    package static var word: String { "pixel_shuffle" }
    /// Pixels that one becomes, in each direction.
    package var upscaleFactor = 1
    package init() {}
    package static var fields: [ConfigurationField<Self>] {
      [
        .init(
          "upscale_factor", \.upscaleFactor, .windowExtent, required: true,
          "pixels that one becomes, in each direction; its square divides the channels")
      ]
    }
    package func layer(for input: Shape) -> any Layer { PixelShuffle(self) }
  }

  package let options: Options

  package init(_ options: Options) { self.options = options }

  /// Makes the layer with the given factor in each direction.
  public convenience init(upscaleFactor: Int) {
    self.init(.with { $0.upscaleFactor = upscaleFactor })
  }

  override func forward(from x: Tensor) throws -> Tensor {
    try x.pixelShuffle(options.upscaleFactor)
  }

  /// The position whose channels became its square.
  override var ownReceptiveField: ReceptiveField {
    let square = Size2d(options.upscaleFactor, options.upscaleFactor)
    return .transposed(Window2d(kernel: square, stride: square))
  }

  override func outputShape(from input: Shape) throws -> Shape {
    try PixelFactor(options.upscaleFactor).shuffled(op: "pixel_shuffle", input)
  }
}

/// Space rearranged into channels, the inverse of ``PixelShuffle``.
///
/// Shapes: `[batch, height · r, width · r, channels]` to `[batch, height, width, channels · r²]`.
/// Counterpart: `torch.nn.PixelUnshuffle`.
public final class PixelUnshuffle: BuiltInLayer {
  /// The options of ``PixelUnshuffle`` in `model.layers`.
  package struct Options: LayerSpec {
    package static var word: String { "pixel_unshuffle" }
    /// Pixels that become one, in each direction.
    package var downscaleFactor = 1
    package init() {}
    package static var fields: [ConfigurationField<Self>] {
      [
        .init(
          "downscale_factor", \.downscaleFactor, .windowExtent, required: true,
          "pixels that become one, in each direction; divides height and width")
      ]
    }
    package func layer(for input: Shape) -> any Layer { PixelUnshuffle(self) }
  }

  package let options: Options

  package init(_ options: Options) { self.options = options }

  /// Makes the layer with the given factor in each direction.
  public convenience init(downscaleFactor: Int) {
    self.init(.with { $0.downscaleFactor = downscaleFactor })
  }

  override func forward(from x: Tensor) throws -> Tensor {
    try x.pixelUnshuffle(options.downscaleFactor)
  }

  /// The square that became its channels.
  override var ownReceptiveField: ReceptiveField {
    let square = Size2d(options.downscaleFactor, options.downscaleFactor)
    return .window(Window2d(kernel: square, stride: square))
  }

  override func outputShape(from input: Shape) throws -> Shape {
    try PixelFactor(options.downscaleFactor).unshuffled(op: "pixel_unshuffle", input)
  }
}

/// Zeros around images.
///
/// Shapes: `[batch, height, width, channels]` to
/// `[batch, top + height + bottom, left + width + right, channels]`. Counterpart:
/// `torch.nn.ZeroPad2d`, whose order is left, right, top, bottom.
public final class ZeroPad2d: BuiltInLayer {
  /// The options of ``ZeroPad2d`` in `model.layers`.
  package struct Options: LayerSpec {
    package static var word: String { "zero_pad2d" }
    /// Rows above.
    package var top = 0
    /// Rows below.
    package var bottom = 0
    /// Columns to the left.
    package var left = 0
    /// Columns to the right.
    package var right = 0
    package init() {}
    package static var fields: [ConfigurationField<Self>] {
      [
        .init("top", \.top, .windowMargin, "rows above"),
        .init("bottom", \.bottom, .windowMargin, "rows below"),
        .init("left", \.left, .windowMargin, "columns to the left"),
        .init("right", \.right, .windowMargin, "columns to the right"),
      ]
    }
    package func layer(for input: Shape) -> any Layer { ZeroPad2d(self) }
  }

  package let options: Options

  package init(_ options: Options) { self.options = options }

  /// Makes a layer that adds so many rows and columns.
  public convenience init(top: Int = 0, bottom: Int = 0, left: Int = 0, right: Int = 0) {
    self.init(
      .with {
        $0.top = top
        $0.bottom = bottom
        $0.left = left
        $0.right = right
      })
  }

  override func forward(from x: Tensor) throws -> Tensor {
    try x.zeroPad2d(
      top: options.top, bottom: options.bottom, left: options.left, right: options.right)
  }

  override func outputShape(from input: Shape) throws -> Shape {
    let op = "zero_pad2d"
    guard input.rank == 3 else {
      throw TensorError(op: op, "input has shape \(input), expected [height, width, channels]")
    }
    let size = try Window2d(
      kernel: 1,
      padding: .sides(
        top: options.top, bottom: options.bottom, left: options.left, right: options.right)
    ).padded(op: op, height: input[0], width: input[1])
    return [size.height, size.width, input[2]]
  }
}
