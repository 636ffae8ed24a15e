import DLTensor

extension LayerConfiguration {
  /// Turns `model.layers` into a network for inputs of shape `[batch] + input`, whose sizes follow
  /// from the data.
  ///
  /// - Throws: `TensorError` with the path of the first layer that does not take what comes before
  ///   it.
  public static func chain(_ words: [LayerConfiguration], input: Shape, path: String = "") throws
    -> Sequential
  {
    var shape = input
    var layers: [any Layer] = []
    for (index, word) in writtenOut(words).enumerated() {
      let place = path.isEmpty ? "\(index)" : "\(path).\(index)"
      do {
        let layer = try word.options.layer(for: shape)
        try word.start?.apply(to: layer)
        shape = try layer.outputShape(for: shape)
        guard shape.count < Int.max else {
          throw TensorError(op: word.word, "output \(shape) is too large")
        }
        layers.append(layer)
      } catch var error as TensorError {
        error.path = error.path.map { "\(place).\($0)" } ?? place
        throw error
      }
    }
    return Sequential(layers)
  }
}

func channels(_ op: String, _ input: Shape) throws -> Int {
  guard input.rank == 3 else {
    throw TensorError(op: op, "input has shape \(input), expected [height, width, channels]")
  }
  return input[2]
}

func sequenceChannels(_ op: String, _ input: Shape) throws -> Int {
  guard input.rank == 2 else {
    throw TensorError(op: op, "input has shape \(input), expected [length, channels]")
  }
  return input[1]
}

func features(_ op: String, _ input: Shape) throws -> Int {
  guard input.rank >= 1 else {
    throw TensorError(op: op, "input is one number, expected an axis of features")
  }
  return input.last
}

/// The axes that a layer normalizes together: those given, else the last.
func trailing(_ op: String, _ input: Shape, _ given: [Int]?) throws -> Shape {
  guard let given else { return [try features(op, input)] }
  guard let shape = Shape(checking: given), shape.rank > 0 else {
    throw TensorError(op: op, "normalized_shape \(given) is no shape")
  }
  return shape
}
