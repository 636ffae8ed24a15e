import CKernels

/// The pixels outside an image that is sampled.
public enum SamplePadding: String, Hashable, Sendable, CaseIterable {
  /// Zeros.
  case zeros
  /// The nearest pixel of the border.
  case border
}

extension Tensor {
  /// The places of a sampling grid under an affine map: `y[n, i, j] = θ[n] · (x_j, y_i, 1)`.
  ///
  /// The grid spans -1 ... 1 in each direction: from center to center of the corner pixels with
  /// `alignCorners`, else from edge to edge. Shapes: θ `[batch, 2, 3]` to `[batch, height, width, 2]`.
  /// Jaderberg et al. 2015, equation 1. Counterpart: `torch.nn.functional.affine_grid`.
  ///
  /// - Throws: ``TensorError`` for other shapes or a size below 1.
  public func affineGrid(_ size: Size2d, alignCorners: Bool = false) throws -> Tensor {
    let op = "affine_grid"
    try requireReal(op: op)
    guard shape.rank == 3, shape[1] == 2, shape[2] == 3, size.isWithin(1...Int(Int32.max)) else {
      throw TensorError(
        op: op,
        "input has shape \(shape), expected [batch, 2, 3] and a size of 1x1 or more, got \(size)")
    }
    let (batch, places) = (shape[0], size.height * size.width)
    let y = try Tensor.empty([batch, size.height, size.width, 2], dtype: dtype, context: context)
    let plane = try Tensor.empty([size.height, size.width, 3], dtype: dtype, context: context)
    let columns = centers(size.width, alignCorners)
    plane.assign(
      centers(size.height, alignCorners).flatMap { row in columns.flatMap { [$0, row, 1] } })
    let (map, step) = (6 * dtype.byteCount, 2 * places * dtype.byteCount)
    for index in 0..<batch {
      gemm(
        dtype, transposeB: true, m: places, n: 2, k: 3, plane.pointer, lda: 3,
        pointer + index * map, ldb: 3, beta: 0, y.pointer + index * step, ldc: 2)
    }
    return context.record(y, from: self) { [self] dy in
      try addGradient { dtheta, accumulate in
        for index in 0..<batch {
          gemm(
            dtype, transposeA: true, m: 2, n: 3, k: places, dy.pointer + index * step, lda: 2,
            plane.pointer, ldb: 3, beta: Double(accumulate), dtheta + index * map, ldc: 3)
        }
      }
    }
  }

  /// Images read bilinearly at the places of a grid.
  ///
  /// Shapes: x `[batch, height, width, channels]`, grid `[batch, oh, ow, 2]` with pairs of a place
  /// from left to right and one from top to bottom, -1 ... 1 being the image; y
  /// `[batch, oh, ow, channels]`. Jaderberg et al. 2015, equation 5. Counterpart:
  /// `torch.nn.functional.grid_sample`. A place that is no number reads nothing, or the first pixel
  /// with `border`.
  ///
  /// - Throws: ``TensorError`` for shapes that do not fit, or an image without pixels.
  public func gridSample(
    _ grid: Tensor, padding: SamplePadding = .zeros, alignCorners: Bool = false
  ) throws -> Tensor {
    let op = "grid_sample"
    try requireImages(op: op)
    guard grid.shape.rank == 4, grid.shape[0] == shape[0], grid.shape[3] == 2, grid.dtype == dtype,
      shape[1] > 0, shape[2] > 0
    else {
      throw TensorError(
        op: op,
        "input is \(dtype) \(shape), grid \(grid.dtype) \(grid.shape); expected [batch, height, "
          + "width, channels] of one pixel or more and [batch, oh, ow, 2]")
    }
    try grid.requireImages(op: op)
    let (batch, height, width, channels) = (shape[0], shape[1], shape[2], shape[3])
    let places = grid.shape[1] * grid.shape[2]
    let outside = padding == .border ? DL_PAD_BORDER : DL_PAD_ZEROS
    let corners: Int32 = alignCorners ? 1 : 0
    let y = try Tensor.empty(
      [batch, grid.shape[1], grid.shape[2], channels], dtype: dtype, context: context)
    try requireCountable(op: op, y.shape)
    dl_grid_sample_forward(
      dtype.kernel, pointer, batch, height, width, channels, grid.pointer, places, outside, corners,
      y.pointer)
    return context.record(y, from: self, grid) { [self] dy in
      func backward(
        dx: UnsafeMutableRawPointer? = nil, dgrid: UnsafeMutableRawPointer? = nil,
        _ accumulate: Int32
      ) {
        dl_grid_sample_backward(
          dtype.kernel, pointer, batch, height, width, channels, grid.pointer, places, outside,
          corners, dy.pointer, dx, dgrid, accumulate)
      }
      try addGradient { backward(dx: $0, $1) }
      try grid.addGradient { backward(dgrid: $0, $1) }
    }
  }
}

/// The places of a row of pixels, the row reaching from -1 to 1.
private func centers(_ count: Int, _ alignCorners: Bool) -> [Double] {
  (0..<count).map { index in
    guard alignCorners else { return (2 * Double(index) + 1) / Double(count) - 1 }
    return count > 1 ? 2 * Double(index) / Double(count - 1) - 1 : 0
  }
}
