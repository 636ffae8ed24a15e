import CKernels
import Glibc

extension Tensor {
  /// Part of the first axis.
  func planes(_ range: Range<Int>) throws -> Tensor {
    guard range != 0..<shape[0] else { return self }
    if context.isDecomposing {
      return try narrow(0, start: range.lowerBound, length: range.count)
    }
    var part = shape
    part[0] = range.count
    let start = range.lowerBound * shape.product(1..<shape.rank) * dtype.byteCount
    let y = try Tensor.empty(part, dtype: dtype, context: context)
    memcpy(y.pointer, pointer + start, y.byteCount)
    return context.record(y, from: self) { [self] dy in
      try addGradient { dx, accumulate in
        if accumulate == 0 { memset(dx, 0, byteCount) }
        dl_axpy(dtype.kernel, 1, dy.pointer, dx + start, dy.count)
      }
    }
  }

  /// Tensors of equal shape one after the other along the first axis.
  static func joiningPlanes(_ parts: [Tensor]) throws -> Tensor {
    let first = parts[0]
    guard parts.count > 1 else { return first }
    if first.context.isDecomposing { return try concat(parts) }
    var whole = first.shape
    whole[0] *= parts.count
    let y = try Tensor.empty(whole, dtype: first.dtype, context: first.context)
    for (index, part) in parts.enumerated() {
      memcpy(y.pointer + index * part.byteCount, part.pointer, part.byteCount)
    }
    let source = parts.first(where: \.requiresGradient)
    return first.context.record(y, from: source) { dy in
      for (index, part) in parts.enumerated() {
        try part.addGradient { dx, accumulate in
          dl_scale(
            part.dtype.kernel, 1, dy.pointer + index * part.byteCount, dx, part.count, accumulate)
        }
      }
    }
  }

  /// Dropout over `[time, batch, features]`, keyed by time step and by row of the batch.
  func dropoutByStep(_ p: Double, key: RandomKey) throws -> Tensor {
    let (rows, columns) = (shape[1], shape[2])
    let (size, firstRow) = (rows * columns * dtype.byteCount, UInt64(context.rowOffset))
    let y = try Tensor.empty(shape, dtype: dtype, context: context)
    for step in 0..<shape[0] {
      dl_dropout_forward(
        dtype.kernel, pointer + step * size, rows, columns, firstRow, key.child(step).value, p,
        y.pointer + step * size)
    }
    return context.record(y, from: self) { [self] dy in
      try addGradient { dx, accumulate in
        for step in 0..<shape[0] {
          dl_dropout_backward(
            dtype.kernel, dy.pointer + step * size, rows, columns, firstRow,
            key.child(step).value, p, dx + step * size, accumulate)
        }
      }
    }
  }
}
