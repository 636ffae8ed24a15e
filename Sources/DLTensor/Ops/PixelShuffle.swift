import CKernels

extension Tensor {
  /// Channels rearranged into space: `y[h · r + i, w · r + j, c] = x[h, w, c · r² + i · r + j]`.
  ///
  /// Shapes: `[batch, height, width, channels · r²]` to `[batch, height · r, width · r, channels]`.
  /// Shi et al. 2016. Counterpart: `torch.nn.functional.pixel_shuffle`.
  ///
  /// - Throws: ``TensorError`` when r² does not divide the channels.
  public func pixelShuffle(_ factor: Int) throws -> Tensor {
    let op = "pixel_shuffle"
    try requireImages(op: op)
    let output = try PixelFactor(factor).shuffled(op: op, shape.dropFirst())
    let (batch, height, width) = (shape[0], shape[1], shape[2])
    return try reshape([batch, height, width, output[2], factor, factor])
      .permute(0, 1, 4, 2, 5, 3).reshape(output.prepending(batch))
  }

  /// Space rearranged into channels, the inverse of ``pixelShuffle(_:)``.
  ///
  /// Shapes: `[batch, height · r, width · r, channels]` to `[batch, height, width, channels · r²]`.
  /// Counterpart: `torch.nn.functional.pixel_unshuffle`.
  ///
  /// - Throws: ``TensorError`` when r does not divide the height and the width.
  public func pixelUnshuffle(_ factor: Int) throws -> Tensor {
    let op = "pixel_unshuffle"
    try requireImages(op: op)
    let output = try PixelFactor(factor).unshuffled(op: op, shape.dropFirst())
    return try reshape([shape[0], output[0], factor, output[1], factor, shape[3]])
      .permute(0, 1, 3, 5, 2, 4).reshape(output.prepending(shape[0]))
  }

  /// Zeros around images, or around sequences `[batch, length, channels]` to the left and right.
  ///
  /// Shapes: `[batch, height, width, channels]` to
  /// `[batch, top + height + bottom, left + width + right, channels]`. Counterpart:
  /// `torch.nn.functional.pad`, whose order is left, right, top, bottom.
  ///
  /// - Throws: ``TensorError`` for a negative count.
  public func zeroPad2d(top: Int = 0, bottom: Int = 0, left: Int = 0, right: Int = 0) throws
    -> Tensor
  {
    let op = "zero_pad2d"
    try requireImages(op: op)
    let (batch, height, width, channels) = (shape[0], shape[1], shape[2], shape[3])
    let window = Window2d(
      kernel: 1, padding: .sides(top: top, bottom: bottom, left: left, right: right))
    let size = try window.padded(op: op, height: height, width: width)
    let output: Shape = [batch, size.height, size.width, channels]
    try requireCountable(op: op, output)
    return try linearMap(to: output) { x, y in
      dl_pad_forward(
        x.dtype.kernel, x.pointer, batch, height, width, channels, top, left, size.height,
        size.width, y)
    } transposed: { dy, dx, accumulate in
      dl_pad_backward(
        dy.dtype.kernel, dy.pointer, batch, height, width, channels, top, left, size.height,
        size.width, dx, accumulate)
    }
  }
}

/// The upscale factor of pixel shuffling, and the shapes it leads to.
package struct PixelFactor: Hashable, Sendable {
  /// Pixels that one becomes, in each direction.
  package let factor: Int

  /// Makes a factor.
  package init(_ factor: Int) { self.factor = factor }

  /// The shape `[height, width, channels · r²]` after ``Tensor/pixelShuffle(_:)``.
  ///
  /// - Throws: ``TensorError`` when r² does not divide the channels.
  package func shuffled(op: String, _ shape: Shape) throws -> Shape {
    guard shape.rank == 3, 1...32768 ~= factor, shape[2].isMultiple(of: factor * factor),
      let result = Shape(checking: [shape[0], shape[1]]),
      result.dimensions.allSatisfy({ $0 <= Int(Int32.max) })
    else {
      throw TensorError(
        op: op,
        "input has shape \(shape), expected [height, width, channels] with channels a multiple of "
          + "\(factor)²")
    }
    return [shape[0] * factor, shape[1] * factor, shape[2] / (factor * factor)]
  }

  /// The shape `[height · r, width · r, channels]` after ``Tensor/pixelUnshuffle(_:)``.
  ///
  /// - Throws: ``TensorError`` when r does not divide the height and the width.
  package func unshuffled(op: String, _ shape: Shape) throws -> Shape {
    guard shape.rank == 3, 1...32768 ~= factor, shape[0].isMultiple(of: factor),
      shape[1].isMultiple(of: factor), shape[2] <= Int(Int32.max)
    else {
      throw TensorError(
        op: op,
        "input has shape \(shape), expected [height, width, channels] with height and width "
          + "multiples of \(factor)")
    }
    return [shape[0] / factor, shape[1] / factor, shape[2] * factor * factor]
  }
}
