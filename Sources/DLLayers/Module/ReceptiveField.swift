import DLTensor

/// The positions of an image or a sequence that an output position depends on.
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
    weightProducts(to: output)
  }

  /// The products of the layer's own weights, each used once per position of the output.
  func weightProducts(to output: Shape) -> Int {
    self is any Normalization ? 0 : output.leading.productOrMax(ownMatrixElements)
  }

  /// The one at its own place.
  public var receptiveField: ReceptiveField { .position }

  /// A reach of no other position, as for everything that works on every element alike.
  public var sequenceLayout: SequenceLayout? { nil }

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
  func productOrMax(_ other: Int) -> Int {
    let (result, overflow) = multipliedReportingOverflow(by: other)
    return overflow ? .max : result
  }
}
