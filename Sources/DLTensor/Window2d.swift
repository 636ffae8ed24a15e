import CKernels

/// A height and a width; an integer literal means both.
public struct Size2d: Hashable, Sendable, ExpressibleByIntegerLiteral, CustomStringConvertible {
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

  /// The size as `3x5`.
  public var description: String { "\(height)x\(width)" }

  func isWithin(_ range: ClosedRange<Int>) -> Bool {
    range.contains(height) && range.contains(width)
  }
}

/// The zeros around an image.
public enum Padding2d: Hashable, Sendable {
  /// Rows and columns added on each side.
  case sides(top: Int, bottom: Int, left: Int, right: Int)
  /// As many as keep the image's size, for stride 1; an odd one goes to the bottom or the right.
  case same

  /// Rows added above and below, columns added left and right.
  public static func symmetric(_ size: Size2d) -> Padding2d {
    .sides(top: size.height, bottom: size.height, left: size.width, right: size.width)
  }
}

/// A window that slides over an image: its size, its stride, the padding around the image, and the
/// distance of the window's taps.
public struct Window2d: Hashable, Sendable {
  /// The size of the window.
  package let kernel: Size2d
  /// The distance between windows.
  package let stride: Size2d
  /// Rows and columns added around the image.
  package let padding: Padding2d
  /// The distance between the taps of a window.
  package let dilation: Size2d

  /// Makes a window; the padding is added on both sides.
  public init(kernel: Size2d, stride: Size2d = 1, padding: Size2d = 0, dilation: Size2d = 1) {
    self.init(kernel: kernel, stride: stride, padding: .symmetric(padding), dilation: dilation)
  }

  /// Makes a window.
  public init(kernel: Size2d, stride: Size2d = 1, padding: Padding2d, dilation: Size2d = 1) {
    self.kernel = kernel
    self.stride = stride
    self.padding = padding
    self.dilation = dilation
  }

  /// The extent that a window covers: `dilation · (kernel - 1) + 1` in each direction.
  package var reach: Size2d {
    Size2d(
      dilation.height * (kernel.height - 1) + 1, dilation.width * (kernel.width - 1) + 1)
  }

  /// The number of windows that fit: `(extent + padding - reach) / stride + 1` in each direction.
  ///
  /// - Throws: ``TensorError`` when none fits, or the window's numbers make no sense.
  package func output(op: String, height: Int, width: Int) throws -> Size2d {
    let padded = try padded(op: op, height: height, width: width)
    guard reach.height <= padded.height, reach.width <= padded.width else {
      throw tooLarge(op, padded)
    }
    return Size2d(
      (padded.height - reach.height) / stride.height + 1,
      (padded.width - reach.width) / stride.width + 1)
  }

  func tooLarge(_ op: String, _ padded: Size2d) -> TensorError {
    let dilated = reach == kernel ? "" : ", dilated to \(reach),"
    return TensorError(
      op: op, "kernel \(kernel)\(dilated) is larger than the padded input \(padded)")
  }

  /// The extents with the padding on all sides.
  ///
  /// - Throws: ``TensorError`` when the window's numbers make no sense.
  package func padded(op: String, height: Int, width: Int) throws -> Size2d {
    let sides = try sides(op: op)
    guard Size2d(height, width).isWithin(0...Int(Int32.max)) else {
      throw TensorError(op: op, "an image of \(Size2d(height, width)) is too large")
    }
    return Size2d(height + sides.top + sides.bottom, width + sides.left + sides.right)
  }

  /// The rows and columns on each side.
  ///
  /// - Throws: ``TensorError`` when the window's numbers make no sense.
  package func sides(op: String) throws -> (top: Int, bottom: Int, left: Int, right: Int) {
    // Below these bounds no product or sum overflows.
    let counts = 1...Int(Int32.max)
    guard kernel.isWithin(counts), stride.isWithin(counts), dilation.isWithin(counts) else {
      throw TensorError(
        op: op,
        "kernel \(kernel), stride \(stride) and dilation \(dilation) must be at least 1 and below "
          + "2^31")
    }
    switch padding {
    case .sides(let top, let bottom, let left, let right):
      guard [top, bottom, left, right].allSatisfy({ 0...Int(Int32.max) ~= $0 }) else {
        throw TensorError(
          op: op,
          "padding must be at least 0 and below 2^31, got top \(top), bottom \(bottom), left "
            + "\(left), right \(right)")
      }
      return (top, bottom, left, right)
    case .same:
      guard stride == 1 else {
        throw TensorError(op: op, "padding same needs stride 1, got \(stride)")
      }
      let (rows, columns) = (reach.height - 1, reach.width - 1)
      return (rows / 2, rows - rows / 2, columns / 2, columns - columns / 2)
    }
  }

  /// True where images are lost in their padding: a copy of one with all of it, which products of windows
  /// read, would take more than 64 MiB and 16 times the room of what there is.
  ///
  /// - Parameters:
  ///   - sides: the padding on each side.
  ///   - image: the extents of an image.
  ///   - grid: those of the windows' positions.
  ///   - pixelBytes: the bytes of a pixel of either.
  func isMostlyPadding(
    _ sides: (top: Int, bottom: Int, left: Int, right: Int), image: Size2d, grid: Size2d,
    pixelBytes: Int
  ) -> Bool {
    // The gradient by the input has a margin of a window's reach.
    let height = image.height + sides.top + sides.bottom + 2 * reach.height
    let width = image.width + sides.left + sides.right + 2 * reach.width
    let all = Double(height) * Double(width)
    let seen = max(
      Double(image.height) * Double(image.width), Double(grid.height) * Double(grid.width))
    return all * Double(pixelBytes) > 64 * 1_048_576 && all > 16 * seen
  }

  /// The kernels' description of this window over images of the given extents.
  func geometry(
    op: String, batch: Int, height: Int, width: Int, channels: Int, output: Size2d
  ) throws -> dl_conv_geometry {
    let sides = try sides(op: op)
    return dl_conv_geometry(
      n: batch, h: height, w: width, c: channels, kh: kernel.height, kw: kernel.width,
      stride_h: stride.height, stride_w: stride.width, pad_top: sides.top, pad_left: sides.left,
      dilation_h: dilation.height, dilation_w: dilation.width, oh: output.height, ow: output.width)
  }
}

extension Tensor {
  /// - Throws: unless this is a real tensor `[batch, height, width, channels]` whose extents no
  ///   kernel's counter overflows by, not even where one of them is 0.
  func requireImages(op: String) throws {
    try requireReal(op: op)
    guard shape.rank == 4 else {
      throw TensorError(
        op: op, "input has shape \(shape), expected [batch, height, width, channels]")
    }
    try requireCountable(op: op, shape)
  }

  /// Throws where the product of the extents that are not 0 is beyond 32 bits.
  func requireCountable(op: String, _ shape: Shape) throws {
    var extended = shape
    for axis in 0..<shape.rank { extended[axis] = max(shape[axis], 1) }
    guard extended.count <= Int(Int32.max) else {
      throw TensorError(op: op, "shape \(shape) has extents whose product is beyond 32 bits")
    }
  }
}
