import CKernels

/// Pooling by maxima as a linear map, which it is as long as its positions are those of the first
/// pass.
extension Tensor {
  /// The elements at `positions` of each image, as the kernel of a maximum found them.
  func decomposedMaximum(
    _ geometry: dl_conv_geometry, _ positions: Tensor, op: StaticString
  ) throws -> Tensor {
    let inputs = shape
    return try LinearOperator(
      op: op, map: { try $0.picked(positions) },
      transposedMap: { dy in
        try dy.filled(inputs) { dx in
          var geometry = geometry
          dl_max_pool_backward(
            dy.dtype.kernel, &geometry, dy.pointer, positions.int32s, dx, 0)
        }
      })(self)
  }

  /// `y[image, place, channel] = x[image, positions[image, place, channel], channel]`.
  private func picked(_ positions: Tensor) throws -> Tensor {
    let y = try Tensor.empty(positions.shape, dtype: dtype, context: context)
    let (images, channels) = (shape[0], shape.last)
    let (plane, places) = (shape.product(1..<3), positions.shape.product(1..<3))
    let width = dtype.byteCount
    let index = positions.int32s
    for image in 0..<images {
      for place in 0..<places * channels {
        let target = image * places * channels + place
        let source = image * plane * channels + Int(index[target]) * channels + place % channels
        (y.pointer + target * width).copyMemory(from: pointer + source * width, byteCount: width)
      }
    }
    return y
  }
}
