import CKernels

/// A way of reading an image between its pixels.
public enum Interpolation: Hashable, Sendable {
  /// The pixel whose area the place lies in.
  case nearest
  /// A blend of the four pixels around; with `alignCorners` the centres of the corner pixels stay
  /// where they are, else the image's edges.
  case bilinear(alignCorners: Bool)
}

extension Tensor {
  /// The image in another size.
  ///
  /// Shapes: `[batch, height, width, channels]` to `[batch, oh, ow, channels]`. Counterpart:
  /// `torch.nn.functional.interpolate(size=)`.
  ///
  /// - Throws: ``TensorError`` for an image without pixels, or an output size below 1.
  public func upsample2d(to size: Size2d, _ interpolation: Interpolation = .nearest) throws
    -> Tensor
  {
    try resize("upsample", size, nil, interpolation)
  }

  /// The image enlarged by a factor, to `⌊extent · factor⌋` in each direction.
  ///
  /// Shapes: `[batch, height, width, channels]` to `[batch, oh, ow, channels]`. Counterpart:
  /// `torch.nn.functional.interpolate(scale_factor=)`.
  ///
  /// - Throws: ``TensorError`` for an image without pixels, or a factor that leaves none.
  public func upsample2d(by factor: Scale2d, _ interpolation: Interpolation = .nearest) throws
    -> Tensor
  {
    guard shape.rank == 4 else { return try resize("upsample", 1, factor, interpolation) }
    let size = try factor.output(op: "upsample", height: shape[1], width: shape[2])
    return try resize("upsample", size, factor, interpolation)
  }

  /// The sequence in another length; `bilinear` is what PyTorch calls linear here.
  ///
  /// Shapes: `[batch, length, channels]` to `[batch, ol, channels]`.
  ///
  /// - Throws: ``TensorError`` for an empty sequence, or a length below 1.
  public func upsample1d(to length: Int, _ interpolation: Interpolation = .nearest) throws -> Tensor
  {
    try asRow("upsample").resize("upsample", Size2d(1, length), nil, interpolation).fromRow()
  }

  /// The sequence enlarged by a factor, to `⌊length · factor⌋`; `bilinear` is what PyTorch calls
  /// linear here.
  ///
  /// Shapes: `[batch, length, channels]` to `[batch, ol, channels]`.
  ///
  /// - Throws: ``TensorError`` for an empty sequence, or a factor that leaves nothing.
  public func upsample1d(by factor: Double, _ interpolation: Interpolation = .nearest) throws
    -> Tensor
  {
    try asRow("upsample").upsample2d(by: Scale2d(1, factor), interpolation).fromRow()
  }

  private func resize(
    _ op: String, _ size: Size2d, _ factor: Scale2d?, _ interpolation: Interpolation
  ) throws -> Tensor {
    try requireImages(op: op)
    guard shape[1] > 0, shape[2] > 0, size.isWithin(1...Int(Int32.max)) else {
      throw TensorError(
        op: op, "cannot make an image of \(size) from one of \(Size2d(shape[1], shape[2]))")
    }
    let (batch, height, width, channels) = (shape[0], shape[1], shape[2], shape[3])
    let output: Shape = [batch, size.height, size.width, channels]
    try requireCountable(op: op, output)
    let rows = interpolation.blends(from: height, to: size.height, factor: factor?.height)
    let columns = interpolation.blends(from: width, to: size.width, factor: factor?.width)
    return try linearMap(to: output) { x, y in
      dl_resize_forward(
        x.dtype.kernel, x.pointer, batch, height, width, channels, rows, size.height, columns,
        size.width, y)
    } transposed: { dy, dx, accumulate in
      dl_resize_backward(
        dy.dtype.kernel, dy.pointer, batch, height, width, channels, rows, size.height, columns,
        size.width, dx, accumulate)
    }
  }
}

/// A factor for the height and one for the width; a literal means both.
public struct Scale2d: Hashable, Sendable, ExpressibleByFloatLiteral, ExpressibleByIntegerLiteral {
  /// The factor of the rows.
  package let height: Double
  /// The factor of the columns.
  package let width: Double

  /// Makes a pair of factors.
  public init(_ height: Double, _ width: Double) {
    self.height = height
    self.width = width
  }

  /// Makes equal factors.
  public init(floatLiteral value: Double) { self.init(value, value) }

  /// Makes equal factors.
  public init(integerLiteral value: Int) { self.init(Double(value), Double(value)) }

  /// The size of an image enlarged by the factors, rounded down.
  ///
  /// - Throws: ``TensorError`` where a factor is not above 0 or the size not countable.
  package func output(op: String, height: Int, width: Int) throws -> Size2d {
    let rows = (Double(height) * self.height).rounded(.down)
    let columns = (Double(width) * self.width).rounded(.down)
    let counts = 1...Double(Int32.max)
    guard counts.contains(rows), counts.contains(columns) else {
      throw TensorError(
        op: op,
        "factors \(self.height) and \(self.width) do not make an image of \(Size2d(height, width))")
    }
    return Size2d(Int(rows), Int(columns))
  }
}

extension Interpolation {
  /// The places of `count` output elements among `extent` input places.
  fileprivate func blends(from extent: Int, to count: Int, factor: Double?) -> [dl_blend] {
    let ratio = factor.map { 1 / $0 } ?? Double(extent) / Double(count)
    return (0..<count).map { place in
      switch self {
      case .nearest:
        let nearest: Int
        if count == extent {
          nearest = place
        } else {
          // In float32, whatever the type, as PyTorch does: the choice of pixel shows in the result.
          nearest = Int(min(Float(extent - 1), (Float(place) * Float(ratio)).rounded(.down)))
        }
        return dl_blend(lower: Int32(nearest), upper: Int32(nearest), weight: 0)
      case .bilinear(let alignCorners):
        let source: Double
        if alignCorners {
          source = count > 1 ? Double(place) * Double(extent - 1) / Double(count - 1) : 0
        } else {
          source = max(0, (Double(place) + 0.5) * ratio - 0.5)
        }
        let lower = Int(min(Double(extent - 1), source.rounded(.down)))
        return dl_blend(
          lower: Int32(lower), upper: Int32(min(lower + 1, extent - 1)),
          weight: min(1, source - Double(lower)))
      }
    }
  }
}
