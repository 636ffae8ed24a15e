/// The heads that an attention finds in a tensor, each a matrix `[time, width]` with a step between
/// rows.
package struct AttentionInput {
  /// The tensor that holds them.
  package let tensor: Tensor
  let heads: Int
  let time: Int
  let width: Int
  let offset: Int
  let batchStep: Int
  let headStep: Int
  let rowStep: Int
  let isHeadMajor: Bool

  /// The heads of `[batch, heads, time, width]`.
  ///
  /// - Throws: ``TensorError`` for another rank.
  package init(_ tensor: Tensor) throws {
    let shape = tensor.shape
    guard shape.rank == 4 else {
      throw TensorError(
        op: "attention", "input has shape \(shape), expected [batch, heads, time, head_dim]")
    }
    self.tensor = tensor
    (heads, time, width, offset) = (shape[1], shape[2], shape[3], 0)
    (batchStep, headStep, rowStep) = (heads * time * width, time * width, width)
    isHeadMajor = true
  }

  /// The heads of `[batch, time, features]`, side by side in the features, or in one of several
  /// equal parts of them, as where one projection gives queries, keys and values.
  ///
  /// - Parameter length: the rows that count, where the tensor has room for more; all by default.
  /// - Throws: ``TensorError`` where heads and parts do not divide the features.
  package init(
    _ tensor: Tensor, heads: Int, part: Int = 0, of parts: Int = 1, length: Int? = nil
  ) throws {
    let shape = tensor.shape
    guard shape.rank == 3, heads > 0, parts > 0, (0..<parts).contains(part),
      shape[2].isMultiple(of: parts), (shape[2] / parts).isMultiple(of: heads),
      (0...shape[1]).contains(length ?? shape[1])
    else {
      throw TensorError(
        op: "attention",
        "input has shape \(shape), expected [batch, time, features] with features in \(heads) "
          + "heads" + (parts == 1 ? "" : ", \(parts) times"))
    }
    let features = shape[2] / parts
    self.tensor = tensor
    self.heads = heads
    (time, width, offset) = (length ?? shape[1], features / heads, part * features)
    (batchStep, headStep, rowStep) = (shape[1] * shape[2], width, shape[2])
    isHeadMajor = false
  }

  var batch: Int { tensor.shape[0] }

  /// Bytes from the tensor's first element to row `row` of a head.
  func bytes(_ batch: Int, _ head: Int, _ row: Int) -> Int {
    (offset + batch * batchStep + head * headStep + row * rowStep) * tensor.dtype.byteCount
  }

  /// `[batch, heads, time, width]`, for messages.
  var extents: Shape { [batch, heads, time, width] }
}
