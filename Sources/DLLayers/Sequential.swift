import DLTensor

/// Layers one after the other; their parameters are named by position, as in `0.weight`.
///
/// Counterpart: `torch.nn.Sequential`.
public final class Sequential: BuiltInLayer {
  /// The layers in order.
  package let layers: [any Layer]

  /// The layers as they are applied: a ReLU or GELU goes into the layer before it where that can take
  /// it.
  private let steps: [(Tensor) throws -> Tensor]

  /// The layout of what stands in front of the chain, where it is part of another.
  private final class Front {
    var layout: SequenceLayout?
  }
  private let front = Front()

  /// Makes a chain.
  public init(_ layers: [any Layer]) {
    self.layers = layers
    var steps: [(Tensor) throws -> Tensor] = []
    var index = 0
    while index < layers.count {
      let next = index + 1 < layers.count ? layers[index + 1] : nil
      if let fusing = layers[index] as? ReLUFusingLayer, let relu = next as? ReLU {
        steps.append { x in
          let y = try fusing(x, relu: true)
          if let observer = y.context.layerObserver { observer(relu, y, y) }
          return y
        }
        index += 2
      } else if let linear = layers[index] as? Linear, let gelu = next as? GELU {
        steps.append { x in try linear(x, gelu) }
        index += 2
      } else if let flatten = layers[index] as? Flatten {
        let layout = layers[..<index].sequenceLayout
        steps.append { [front] x in try flatten(x, behind: layout ?? front.layout) }
        index += 1
      } else {
        let layer = layers[index]
        steps.append { x in try layer(x) }
        index += 1
      }
    }
    self.steps = steps
    super.init()
    follow(nil)
  }

  /// Makes a chain.
  public convenience init(_ layers: any Layer...) { self.init(layers) }

  override var ownChildren: [(name: String, value: Any)] {
    layers.enumerated().map { (String($0), $1) }
  }

  /// The layout that the layers in front of one of them work on.
  func layout(before index: Int) -> SequenceLayout? {
    layers[..<index].sequenceLayout ?? front.layout
  }

  override func forward(from x: Tensor) throws -> Tensor {
    try steps.reduce(x) { try $1($0) }
  }

  /// Applies the layers, adds what `around` gives, and takes the maximum with 0 if `relu`: in the pass
  /// of a batch normalization where the chain ends with one.
  func callAsFunction(_ x: Tensor, adding around: () throws -> Tensor, relu: Bool) throws
    -> Tensor
  {
    // Who watches the layers sees those of the chain together.
    guard x.context.layerObserver == nil, let norm = layers.last as? BatchNorm else {
      let branch = try self(x)
      let sum = try branch + around()
      let y = try relu ? sum.relu() : sum
      y.lengths = branch.lengths
      return y
    }
    return try observed(x) {
      let inner = try steps.dropLast().reduce(x) { try $1($0) }
      let y = try norm(inner, adding: around(), relu: relu)
      y.lengths = inner.lengths
      return y
    }
  }

  /// The values that the first layer takes that looks at values.
  override var ownInputDomain: ValueDomain {
    layers.first { !($0 is Flatten) }?.inputDomain ?? .finite
  }

  /// The padding of the first layer that looks at values.
  override var ownInputPadding: Int32? { layers.first { !($0 is Flatten) }?.inputPadding }

  /// Those that the layers have handed on, and no others.
  override func lengths(of output: Tensor, from input: Tensor) -> Tensor? { output.lengths }

  /// The layout that the last layer with one works on.
  override var ownSequenceLayout: SequenceLayout? { layers.sequenceLayout }

  override func outputShape(from input: Shape) throws -> Shape {
    try layers.reduce(input) { shape, layer in
      try layer.located { try layer.outputShape(for: shape) }
    }
  }
}

extension Sequential: LayoutFollower {
  /// The layers up to the first one with a layout of its own go by what stands in front.
  func follow(_ layout: SequenceLayout?) {
    front.layout = layout
    for (index, layer) in layers.enumerated() {
      (layer as? any LayoutFollower)?.follow(layers[..<index].sequenceLayout ?? layout)
    }
  }
}
