extension Window2d {
  /// As ``output(op:height:width:)``, for pooling: a window must hold at least one pixel that is
  /// not padding.
  ///
  /// In `ceilMode` the last window may overhang, where it begins in the image or in the padding
  /// before it: `ceil((extent + padding - reach) / stride) + 1`, less one that would begin behind.
  ///
  /// - Throws: ``TensorError`` when none fits, when the padding is more than half of the kernel, or
  ///   when the taps of a dilated window step over the image.
  package func poolOutput(op: String, height: Int, width: Int, ceilMode: Bool = false) throws
    -> Size2d
  {
    let sides = try sides(op: op)
    guard max(sides.top, sides.bottom) * 2 <= kernel.height,
      max(sides.left, sides.right) * 2 <= kernel.width
    else {
      throw TensorError(
        op: op, "padding \(sides.top)x\(sides.left) is more than half of the kernel \(kernel)")
    }
    guard height > 0, width > 0 else {
      throw TensorError(op: op, "an image of \(Size2d(height, width)) has no pixels")
    }
    let size =
      ceilMode
      ? try ceilOutput(op: op, height: height, width: width)
      : try output(op: op, height: height, width: width)
    guard
      isHit(height, before: sides.top, by: stride.height, dilation.height, windows: size.height),
      isHit(width, before: sides.left, by: stride.width, dilation.width, windows: size.width)
    else {
      throw TensorError(
        op: op,
        "kernel \(kernel), dilated by \(dilation), has a window that holds only padding of an image "
          + "of \(Size2d(height, width)); use less padding or dilation")
    }
    return size
  }

  /// The number of windows of which the last may overhang.
  private func ceilOutput(op: String, height: Int, width: Int) throws -> Size2d {
    let (sides, padded) = (
      try sides(op: op), try padded(op: op, height: height, width: width)
    )
    func count(_ padded: Int, reach: Int, stride: Int, begin: Int) -> Int {
      let rest = padded - reach
      guard rest > -stride else { return 0 }
      let windows = rest > 0 ? (rest + stride - 1) / stride + 1 : 1
      return (windows - 1) * stride >= begin ? windows - 1 : windows
    }
    let size = Size2d(
      count(padded.height, reach: reach.height, stride: stride.height, begin: sides.top + height),
      count(padded.width, reach: reach.width, stride: stride.width, begin: sides.left + width))
    guard size.height > 0, size.width > 0 else { throw tooLarge(op, padded) }
    return size
  }

  /// Returns whether every window along an axis has a tap in the image: one that begins in the
  /// padding may step over it.
  private func isHit(
    _ extent: Int, before: Int, by stride: Int, _ dilation: Int, windows: Int
  ) -> Bool {
    guard dilation > extent, before > 0 else { return true }
    return (0..<min(windows, (before - 1) / stride + 1)).allSatisfy { window in
      // The first tap that is not in front of the image; the padding is too small for there to be none.
      let missing = (before - window * stride) % dilation
      return (missing == 0 ? 0 : dilation - missing) < extent
    }
  }
}
