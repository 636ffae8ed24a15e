import DLTensor

/// Which positions of an image or a sequence an output position depends on.
public enum ReceptiveField: Hashable, Sendable {
  /// The one at its own place.
  case position
  /// Those under a sliding window.
  case window(Window2d)
  /// Those whose windows cover it, as in a transposed convolution.
  case transposed(Window2d)
  /// All of them.
  case everything
}

extension Layer {
  /// The weights of the layer itself, each used once per position of the output.
  public func multiplyAdds(input: Shape, output: Shape) -> Int {
    self is any Normalization ? 0 : output.leading.product(ownMatrixElements)
  }

  /// The one at its own place.
  public var receptiveField: ReceptiveField { .position }

  /// The elements of the layer's own weights with two axes or more, those of its parts not among
  /// them.
  var ownMatrixElements: Int {
    func elements(_ value: Any) -> Int {
      if let parameter = value as? Parameter {
        return parameter.shape.rank < 2 ? 0 : parameter.shape.count
      }
      let mirror = Mirror(reflecting: value)
      guard !(value is Module), [.optional, .collection].contains(mirror.displayStyle) else {
        return 0
      }
      return mirror.children.reduce(0) { $0 + elements($1.value) }
    }
    return children.reduce(0) { $0 + elements($1.value) }
  }
}

extension Int {
  /// The product, or the largest number where there is none.
  fileprivate func product(_ other: Int) -> Int {
    let (result, overflow) = multipliedReportingOverflow(by: other)
    return overflow ? .max : result
  }
}

extension Conv2d {
  /// Those under its window.
  public var receptiveField: ReceptiveField { .window(window) }
}

extension Conv1d {
  /// Those under its window.
  public var receptiveField: ReceptiveField { .window(window) }
}

extension MaxPool2d {
  /// Those under its window.
  public var receptiveField: ReceptiveField { .window(window) }
}

extension AvgPool2d {
  /// Those under its window.
  public var receptiveField: ReceptiveField { .window(window) }
}

extension GlobalAvgPool2d {
  /// All of them.
  public var receptiveField: ReceptiveField { .everything }
}

extension MaxPool1d {
  /// Those under its window.
  public var receptiveField: ReceptiveField { .window(window) }
}

extension AvgPool1d {
  /// Those under its window.
  public var receptiveField: ReceptiveField { .window(window) }
}

extension GlobalMaxPool2d {
  /// All of them.
  public var receptiveField: ReceptiveField { .everything }
}

extension GlobalAvgPool1d {
  /// All of them.
  public var receptiveField: ReceptiveField { .everything }
}

extension GlobalMaxPool1d {
  /// All of them.
  public var receptiveField: ReceptiveField { .everything }
}

extension AdaptiveAvgPool1d {
  /// Taken to be all of them: how many depends on the image.
  public var receptiveField: ReceptiveField { .everything }
}

extension AdaptiveMaxPool1d {
  /// Taken to be all of them: how many depends on the image.
  public var receptiveField: ReceptiveField { .everything }
}

extension AdaptiveAvgPool2d {
  /// Taken to be all of them: how many depends on the image.
  public var receptiveField: ReceptiveField { .everything }
}

extension AdaptiveMaxPool2d {
  /// Taken to be all of them: how many depends on the image.
  public var receptiveField: ReceptiveField { .everything }
}

extension PixelShuffle {
  /// The one whose channels became its square.
  public var receptiveField: ReceptiveField {
    .transposed(Window2d(kernel: Size2d(factor, factor), stride: Size2d(factor, factor)))
  }
}

extension PixelUnshuffle {
  /// The square that became its channels.
  public var receptiveField: ReceptiveField {
    .window(Window2d(kernel: Size2d(factor, factor), stride: Size2d(factor, factor)))
  }
}

extension Flatten {
  /// All of them.
  public var receptiveField: ReceptiveField { .everything }
}

extension ConvTranspose2d {
  /// Those whose windows cover it.
  public var receptiveField: ReceptiveField { .transposed(window.window) }
  /// Each weight is used once per position of the input.
  public func multiplyAdds(input: Shape, output: Shape) -> Int {
    input.leading.product(ownMatrixElements)
  }
}

extension ConvTranspose1d {
  /// Those whose windows cover it.
  public var receptiveField: ReceptiveField { .transposed(window.window) }
  /// Each weight is used once per position of the input.
  public func multiplyAdds(input: Shape, output: Shape) -> Int {
    input.leading.product(ownMatrixElements)
  }
}

extension Recurrent {
  /// All of them: those before it, and with two directions those behind it.
  public var receptiveField: ReceptiveField { .everything }
  /// Each weight is used once per time step.
  public func multiplyAdds(input: Shape, output: Shape) -> Int {
    input.leading.product(ownMatrixElements)
  }
}

extension MultiHeadAttention {
  /// All of them.
  public var receptiveField: ReceptiveField { .everything }
  /// The projections, and two products of queries and keys, or of weights and values.
  public func multiplyAdds(input: Shape, output: Shape) -> Int {
    let attention = (output.leading.product(output[-2])).product(2 * output[-1])
    let (sum, overflow) = output.leading.product(ownMatrixElements)
      .addingReportingOverflow(attention)
    return overflow ? .max : sum
  }
}

extension Embedding {
  /// None: rows are looked up.
  public func multiplyAdds(input: Shape, output: Shape) -> Int { 0 }
}

extension EmbeddingBag {
  /// All of them.
  public var receptiveField: ReceptiveField { .everything }
  /// None: rows are looked up.
  public func multiplyAdds(input: Shape, output: Shape) -> Int { 0 }
}

extension LearnedPositions {
  /// None: positions are added.
  public func multiplyAdds(input: Shape, output: Shape) -> Int { 0 }
}
