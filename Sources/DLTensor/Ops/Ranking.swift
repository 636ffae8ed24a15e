import CKernels

/// Elements picked from an axis, with their positions on it.
public struct Ranked {
  /// The elements; gradients flow back through them.
  public let values: Tensor
  /// The places where they were, int32, of the same shape.
  public let indices: Tensor
}

extension Tensor {
  /// An axis in order; equal elements keep theirs, and NaN counts as larger than every number.
  ///
  /// Shapes: any to the same. Counterpart: `torch.sort(stable=True)`.
  ///
  /// - Throws: ``TensorError`` for shapes or types that do not fit, or where there is no memory.
  public func sort(axis: Int = -1, descending: Bool = false) throws -> Ranked {
    let view = try around("sort", axis: axis)
    return try ranked("sort", view, view.extent, descending: descending)
  }

  /// The `k` largest elements of an axis, or the smallest, in order; of equals the first.
  ///
  /// Shapes: `[a, n, b]` along axis 1 to `[a, k, b]`. Counterpart: `torch.topk`, which does not say
  /// which of equals it takes.
  ///
  /// - Throws: ``TensorError`` unless `k` is in `0 ... extent`.
  public func topK(_ k: Int, axis: Int = -1, largest: Bool = true) throws -> Ranked {
    let view = try around("topk", axis: axis)
    guard (0...view.extent).contains(k) else {
      throw TensorError(op: "topk", "\(k) elements of axis \(axis) of shape \(shape)")
    }
    return try ranked("topk", view, k, descending: largest)
  }

  /// The largest element of an axis and its position, of equals the first; NaN is larger than
  /// every number.
  ///
  /// Shapes: `[a, n, b]` along axis 1 to `[a, b]`, or `[a, 1, b]` with `keepsAxis`. The gradient
  /// goes to that position. Counterpart: `torch.max(dim=...)`.
  ///
  /// - Throws: ``TensorError`` for an axis that is not there or is empty.
  public func maximum(axis: Int, keepsAxis: Bool = false) throws -> Ranked {
    try extreme("maximum", axis, keepsAxis, largest: true)
  }

  /// The smallest element of an axis and its position, of equals the first; NaN where there is one.
  ///
  /// Shapes: `[a, n, b]` along axis 1 to `[a, b]`, or `[a, 1, b]` with `keepsAxis`. Counterpart:
  /// `torch.min(dim=...)`.
  ///
  /// - Throws: ``TensorError`` for an axis that is not there or is empty.
  public func minimum(axis: Int, keepsAxis: Bool = false) throws -> Ranked {
    try extreme("minimum", axis, keepsAxis, largest: false)
  }

  /// The position of the largest element of an axis, of equals the first; int32.
  ///
  /// Shapes: the axis disappears, or is 1 with `keepsAxis`.
  /// Counterpart: `torch.argmax(dim=...)`.
  ///
  /// - Throws: ``TensorError`` for a type that it does not take, or where there is no memory.
  public func argmax(axis: Int, keepsAxis: Bool = false) throws -> Tensor {
    try extremeIndex("argmax", axis, largest: true).dropping(axis, unless: keepsAxis)
  }

  /// The position of the smallest element of an axis, of equals the first; int32.
  ///
  /// Shapes: the axis disappears, or is 1 with `keepsAxis`. Counterpart: `torch.argmin(dim=...)`.
  ///
  /// - Throws: ``TensorError`` for shapes or types that do not fit, or where there is no memory.
  public func argmin(axis: Int, keepsAxis: Bool = false) throws -> Tensor {
    try extremeIndex("argmin", axis, largest: false).dropping(axis, unless: keepsAxis)
  }

  private func ranked(_ op: String, _ view: AxisView, _ k: Int, descending: Bool) throws -> Ranked {
    try requireReal(op: op)
    var indexShape = shape
    indexShape[view.axis] = k
    let index = try Tensor.empty(indexShape, dtype: .int32, context: context)
    let keys = try Tensor.empty([view.extent], dtype: dtype, context: context)
    let scratch = try Tensor.empty([2, view.extent], dtype: .int32, context: context)
    dl_sort(
      dtype.kernel, pointer, view.outer, view.extent, view.inner, descending ? 1 : 0, k,
      keys.pointer, scratch.pointer.assumingMemoryBound(to: Int32.self),
      index.pointer.assumingMemoryBound(to: Int32.self))
    return Ranked(values: try gather(view.axis, index), indices: index)
  }

  private func extreme(_ op: String, _ axis: Int, _ keepsAxis: Bool, largest: Bool) throws -> Ranked
  {
    let index = try extremeIndex(op, axis, largest: largest)
    return Ranked(
      values: try gather(axis, index).dropping(axis, unless: keepsAxis),
      indices: try index.dropping(axis, unless: keepsAxis))
  }

  private func extremeIndex(_ op: String, _ axis: Int, largest: Bool) throws -> Tensor {
    try requireReal(op: op)
    let view = try around(op, axis: axis)
    guard view.extent > 0 else {
      throw TensorError(op: op, "axis \(axis) of shape \(shape) is empty")
    }
    var indexShape = shape
    indexShape[view.axis] = 1
    let index = try Tensor.empty(indexShape, dtype: .int32, context: context)
    dl_extreme_index(
      dtype.kernel, pointer, view.outer, view.extent, view.inner, largest ? 1 : 0,
      index.pointer.assumingMemoryBound(to: Int32.self))
    return index
  }

  private func dropping(_ axis: Int, unless keeps: Bool) throws -> Tensor {
    keeps ? self : try squeeze(axis)
  }
}
