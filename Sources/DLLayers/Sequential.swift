import DLTensor

/// Layers one after the other; their parameters are named by position, as in `0.weight`.
///
/// Counterpart: `torch.nn.Sequential`.
public final class Sequential: Module, Layer {
  /// The layers in order.
  public let layers: [any Layer]

  /// Makes a chain.
  public init(_ layers: [any Layer]) { self.layers = layers }

  /// Makes a chain.
  public convenience init(_ layers: any Layer...) { self.init(layers) }

  public override var children: [(name: String, value: Any)] {
    layers.enumerated().map { (String($0), $1) }
  }

  public func forward(_ x: Tensor) throws -> Tensor {
    try layers.reduce(x) { try $1($0) }
  }

  public func outputShape(for input: Shape) throws -> Shape {
    try layers.reduce(input) { shape, layer in
      try layer.located { try layer.outputShape(for: shape) }
    }
  }
}
