import DLLayers
import DLTensor

/// A layer word that knows its layer.
protocol BuildableWord: LayerWord {
  /// Makes the layer for inputs of shape `[batch] + input`.
  func layer(for input: Shape) throws -> any Layer
}

/// Turns `model.layers` into a network, input sizes inferred from the data.
enum ModelBuilder {
  /// Makes a chain for inputs of shape `[batch] + input`.
  ///
  /// - Throws: `TensorError` with the path of the first layer that does not take what comes before
  ///   it.
  static func chain(_ words: [LayerConfiguration], input: Shape, path: String = "") throws
    -> Sequential
  {
    var shape = input
    var layers: [any Layer] = []
    for (index, word) in words.enumerated() {
      let place = path.isEmpty ? "\(index)" : "\(path).\(index)"
      do {
        guard let buildable = word.options as? any BuildableWord else {
          throw TensorError(op: word.word, "has no layer", exitCode: .fault)
        }
        let layer = try buildable.layer(for: shape)
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

extension Size2d {
  fileprivate init(_ extent: Extent2D) { self.init(extent.height, extent.width) }
}

private func channels(_ op: String, _ input: Shape) throws -> Int {
  guard input.rank == 3 else {
    throw TensorError(op: op, "input has shape \(input), expected [height, width, channels]")
  }
  return input[2]
}

func features(_ op: String, _ input: Shape) throws -> Int {
  guard input.rank >= 1 else {
    throw TensorError(op: op, "input is one number, expected an axis of features")
  }
  return input.last
}

/// The axes that a layer normalises together: those given, else the last.
func trailing(_ op: String, _ input: Shape, _ given: [Int]?) throws -> Shape {
  guard let given else { return [try features(op, input)] }
  guard let shape = Shape(checking: given), shape.rank > 0 else {
    throw TensorError(op: op, "normalized_shape \(given) is no shape")
  }
  return shape
}

extension Conv2dWord: BuildableWord {
  func layer(for input: Shape) throws -> any Layer {
    Conv2d(
      try channels(Self.word, input), out, kernel: Size2d(kernel), stride: Size2d(stride),
      padding: Size2d(padding), bias: bias)
  }
}

extension BatchNormWord: BuildableWord {
  func layer(for input: Shape) throws -> any Layer {
    BatchNorm(try features(Self.word, input), eps: eps, momentum: momentum, affine: affine)
  }
}

extension LayerNormWord: BuildableWord {
  func layer(for input: Shape) throws -> any Layer {
    LayerNorm(normalizedShape: try trailing(Self.word, input, normalizedShape), eps: eps)
  }
}

extension ReluWord: BuildableWord {
  func layer(for input: Shape) -> any Layer { ReLU() }
}

extension LeakyReluWord: BuildableWord {
  func layer(for input: Shape) -> any Layer { LeakyReLU(negativeSlope: negativeSlope) }
}

extension SigmoidWord: BuildableWord {
  func layer(for input: Shape) -> any Layer { Sigmoid() }
}

extension TanhWord: BuildableWord {
  func layer(for input: Shape) -> any Layer { Tanh() }
}

extension GeluWord: BuildableWord {
  func layer(for input: Shape) -> any Layer {
    GELU(approximation: approximate == .tanh ? .tanh : .none)
  }
}

extension SiluWord: BuildableWord {
  func layer(for input: Shape) -> any Layer { SiLU() }
}

extension SoftmaxWord: BuildableWord {
  func layer(for input: Shape) -> any Layer { Softmax() }
}

extension MaxPool2dWord: BuildableWord {
  func layer(for input: Shape) -> any Layer {
    MaxPool2d(kernel: Size2d(kernel), stride: Size2d(stride), padding: Size2d(padding))
  }
}

extension AvgPool2dWord: BuildableWord {
  func layer(for input: Shape) -> any Layer {
    AvgPool2d(
      kernel: Size2d(kernel), stride: Size2d(stride), padding: Size2d(padding),
      countIncludePad: countIncludePad)
  }
}

extension GlobalAvgPool2dWord: BuildableWord {
  func layer(for input: Shape) -> any Layer { GlobalAvgPool2d() }
}

extension ResidualWord: BuildableWord {
  func layer(for input: Shape) throws -> any Layer {
    Residual(
      try ModelBuilder.chain(layers, input: input, path: "layers"),
      shortcut: try shortcut.map { try ModelBuilder.chain($0, input: input, path: "shortcut") })
  }
}

extension FlattenWord: BuildableWord {
  func layer(for input: Shape) -> any Layer { Flatten() }
}

extension DropoutWord: BuildableWord {
  func layer(for input: Shape) -> any Layer { Dropout(p: p) }
}

extension LinearWord: BuildableWord {
  func layer(for input: Shape) throws -> any Layer {
    Linear(try features(Self.word, input), out, bias: bias)
  }
}
