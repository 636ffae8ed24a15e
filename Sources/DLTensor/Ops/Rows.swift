import CKernels

extension Tensor {
  /// Some rows of the first axis, in the same memory; gradients go to those rows.
  ///
  /// - Throws: ``TensorError`` for rows that are not there.
  package func rows(_ range: Range<Int>) throws -> Tensor {
    guard shape.rank > 0, range.lowerBound >= 0, range.upperBound <= shape[0] else {
      throw TensorError(op: "rows", "\(range) are not rows of \(shape)")
    }
    var part = shape
    part[0] = range.count
    if LinearOperator.isWanted(self) {
      return try narrow(0, start: range.lowerBound, length: range.count)
    }
    let offset = shape[0] == 0 ? 0 : range.lowerBound * (byteCount / shape[0])
    return context.record(view(part, offset: offset), from: self) { [self] dy in
      try accumulateGradient {
        dl_axpy(dtype.kernel, 1, dy.pointer, $0 + offset, dy.count)
      }
    }
  }
}
