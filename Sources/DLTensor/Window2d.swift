import CKernels

/// A height and a width; an integer literal means both.
public struct Size2d: Hashable, Sendable, ExpressibleByIntegerLiteral {
  /// Rows.
  public let height: Int
  /// Columns.
  public let width: Int

  /// Makes a size.
  public init(_ height: Int, _ width: Int) {
    self.height = height
    self.width = width
  }

  /// Makes a square size.
  public init(integerLiteral value: Int) { self.init(value, value) }
}

/// A window that slides over an image: its size, its stride, and the padding on each side.
public struct Window2d: Hashable, Sendable {
  /// The size of the window.
  public let kernel: Size2d
  /// The distance between windows.
  public let stride: Size2d
  /// Rows and columns added on each side.
  public let padding: Size2d

  /// Makes a window.
  public init(kernel: Size2d, stride: Size2d = 1, padding: Size2d = 0) {
    self.kernel = kernel
    self.stride = stride
    self.padding = padding
  }

  /// How many windows fit: `(extent + 2 · padding - kernel) / stride + 1` in each direction.
  ///
  /// - Throws: ``TensorError`` when none fits, or the window's numbers make no sense.
  public func output(op: String, height: Int, width: Int) throws -> Size2d {
    guard kernel.height > 0, kernel.width > 0, stride.height > 0, stride.width > 0,
      padding.height >= 0, padding.width >= 0
    else {
      throw TensorError(op: op, "kernel and stride must be at least 1, padding at least 0: \(self)")
    }
    let paddedHeight = height + 2 * padding.height
    let paddedWidth = width + 2 * padding.width
    guard kernel.height <= paddedHeight, kernel.width <= paddedWidth else {
      throw TensorError(
        op: op,
        "kernel \(kernel.height)x\(kernel.width) is larger than the padded input "
          + "\(paddedHeight)x\(paddedWidth)")
    }
    return Size2d(
      (paddedHeight - kernel.height) / stride.height + 1,
      (paddedWidth - kernel.width) / stride.width + 1)
  }

  /// As ``output(op:height:width:)``, for pooling: a window must hold at least one pixel that is
  /// not padding.
  public func poolOutput(op: String, height: Int, width: Int) throws -> Size2d {
    guard padding.height * 2 <= kernel.height, padding.width * 2 <= kernel.width else {
      throw TensorError(
        op: op,
        "padding \(padding.height)x\(padding.width) is more than half of the kernel "
          + "\(kernel.height)x\(kernel.width)")
    }
    return try output(op: op, height: height, width: width)
  }

  /// The kernels' description of this window over images of the given extents.
  func geometry(batch: Int, height: Int, width: Int, channels: Int, output: Size2d)
    -> dl_conv_geometry
  {
    dl_conv_geometry(
      n: batch, h: height, w: width, c: channels, kh: kernel.height, kw: kernel.width,
      stride_h: stride.height, stride_w: stride.width, pad_top: padding.height,
      pad_left: padding.width, dilation_h: 1, dilation_w: 1, oh: output.height, ow: output.width)
  }
}
