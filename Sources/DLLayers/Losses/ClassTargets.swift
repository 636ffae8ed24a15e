import DLTensor

extension ClassLoss {
  /// The scales and targets that the outputs of classes are compared with: for each row a scale,
  /// the square root of its label's weight where `isSquared`, and 0 where the label does not count;
  /// and the numbers that the classes should have, times that scale.
  ///
  /// Shapes: outputs, scales and targets `[..., classes]`, labels int32 `[...]`.
  ///
  /// - Parameters:
  ///   - hit: what the label's output should be.
  ///   - miss: what the others should be.
  /// - Throws: ``TensorError`` for shapes that do not fit, or a label outside the classes.
  func targets(
    of outputs: Tensor, _ labels: Tensor, hit: Double, miss: Double, isSquared: Bool
  ) throws -> (scales: Tensor, targets: Tensor) {
    let (shape, word) = (outputs.shape, Self.word)
    guard shape.rank > 0, labels.dtype == .int32, outputs.dtype.isReal,
      labels.shape == Shape(Array(shape.dimensions.dropLast()))
    else {
      throw TensorError(
        op: word,
        "outputs have shape \(shape), labels \(labels.shape) of \(labels.dtype), expected int32 of "
          + "the outputs' shape without its last axis")
    }
    let classes = shape.last
    guard weights == nil || weights?.count == classes else {
      throw TensorError(
        op: word, "\(weights?.count ?? 0) weights for outputs of shape \(shape), give one per class"
      )
    }
    let context = outputs.context
    let scales = try Tensor.full(shape, 1, dtype: outputs.dtype, context: context)
    let targets = try Tensor.full(shape, miss, dtype: outputs.dtype, context: context)
    let values = labels.pointer.assumingMemoryBound(to: Int32.self)
    for row in 0..<labels.count {
      let isIgnored = values[row] == ignoreIndex
      let label = isIgnored ? 0 : Int(values[row])
      guard label >= 0, label < classes else {
        throw TensorError(
          op: word, "label \(label) of row \(row) is not in 0 ..< \(classes)", exitCode: .data)
      }
      let weight = isIgnored ? 0 : weights?[label] ?? 1
      let scale = isSquared ? weight.squareRoot() : weight
      if scale != 1 {
        for index in row * classes..<(row + 1) * classes {
          scales.set(index, scale)
          targets.set(index, scale * miss)
        }
      }
      targets.set(row * classes + label, scale * hit)
    }
    return (scales, targets)
  }
}

extension Tensor {
  /// Overwrites one element of a float tensor.
  fileprivate func set(_ index: Int, _ value: Double) {
    if dtype == .float32 {
      pointer.assumingMemoryBound(to: Float.self)[index] = Float(value)
    } else {
      pointer.assumingMemoryBound(to: Double.self)[index] = value
    }
  }
}
