import DLCluster

/// Normalizations as plain ops.
extension Tensor {
  /// `(x - mean) / √(variance + eps)` of each row of `[rows, features]`.
  func standardizedRows(eps: Double) throws -> Tensor {
    let centered = try self - mean(axis: -1, keepsAxis: true)
    let variance = try centered.square().mean(axis: -1, keepsAxis: true)
    return try centered * (variance + eps).rsqrt()
  }

  /// `x / √(mean(x²) + eps)` of each row of `[rows, features]`.
  func scaledRows(eps: Double) throws -> Tensor {
    try self * (square().mean(axis: -1, keepsAxis: true) + eps).rsqrt()
  }

  /// `(x - mean) / √(variance + eps)` of each sample and each group of channels of
  /// `[batch, ..., channels]`, with `area` positions between.
  func standardizedGroups(_ groups: Int, area: Int, eps: Double) throws -> Tensor {
    let (batch, width) = (shape[0], shape.last / groups)
    let grouped = try reshape([batch, area, groups, width]).permute([0, 2, 1, 3])
    return try grouped.reshape([batch * groups, area * width]).standardizedRows(eps: eps)
      .reshape(grouped.shape).permute([0, 2, 1, 3]).reshape(shape)
  }

  /// `(x - mean) / √(variance + eps)` over all axes but the last, of the rows of all ranks;
  /// collective where batch norm is synchronized.
  ///
  /// - Parameter count: the values per channel over all ranks.
  func standardized(rows count: Double, eps: Double) throws -> Tensor {
    let flat = try reshape([shape.leading, shape.last])
    func mean(_ x: Tensor) throws -> Tensor {
      try x.sum(axis: 0).summedOverRanks() * (1 / count)
    }
    let centered = try flat - mean(flat)
    let variance = try mean(centered.square())
    return try (centered * (variance + eps).rsqrt()).reshape(shape)
  }

  /// This tensor times a scale, where there is one.
  func times(_ weight: Tensor?) throws -> Tensor { try weight.map { try self * $0 } ?? self }

  /// The sum of the ranks' tensors along the fixed tree, on every rank; itself where batch norm is
  /// not synchronized.
  ///
  /// The loss is the sum of the ranks' losses, so the gradient is the same sum.
  private func summedOverRanks() throws -> Tensor {
    guard context.synchronizesBatchNorm, context.communicator.size > 1 else { return self }
    func sum(_ x: Tensor) throws -> Tensor {
      var values = x.doubles
      try context.communicator.allreduceSum(&values)
      return try .values(values, shape: x.shape, dtype: x.dtype, context: context)
    }
    return try LinearOperator(op: "summedOverRanks", map: sum, transposedMap: sum)(self)
  }
}
