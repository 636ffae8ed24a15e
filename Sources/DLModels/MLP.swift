import DLConfiguration
import DLLayers
import DLTensor

/// A multilayer perceptron: layers of the same width, each followed by a normalization, an activation
/// and a dropout, and a linear layer for the outputs.
///
/// Rumelhart, Hinton and Williams 1986. Parameters are numbered as `torch.nn.Sequential` numbers the
/// same layers.
package struct MLPOptions: ModelSpec {
  package static var name: String { "mlp" }

  /// The normalization between a layer and its activation.
  package enum Normalization: String, ConfigurationWord { case none, batch, layer }

  /// The rule by which weights start.
  package enum Initialization: String, ConfigurationWord {
    /// PyTorch's default: uniform in ±1/√inputs, biases too; all others start biases at 0.
    case fanIn = "fan_in"
    /// Normal of deviation 0.01.
    case small
    /// Glorot and Bengio 2010.
    case xavier
    /// He et al. 2015.
    case he
    /// Saxe, McClelland and Ganguli 2014.
    case orthogonal

    /// The rule for a weight; nil for that of the layer.
    fileprivate var rule: Initializer? {
      switch self {
      case .fanIn: nil
      case .small: .normal(standardDeviation: 0.01)
      case .xavier: .xavierNormal()
      case .he: .heNormal()
      case .orthogonal: .orthogonal()
      }
    }
  }

  /// The width of the hidden layers.
  package var hidden = 64
  /// The number of hidden layers.
  package var depth = 1
  /// The activation behind each of them.
  package var activation = LayerConfiguration(OptionlessSpec<ReLU>())
  /// The normalization between a layer and its activation.
  package var normalization = Normalization.none
  /// The share of a hidden layer's outputs that are left out in training.
  package var dropout = 0.0
  /// The rule by which weights start.
  package var initialization = Initialization.fanIn
  /// The number of outputs where labels are values.
  package var outputs = 1

  package init() {}

  package static var fields: [ConfigurationField<Self>] {
    [
      .init("hidden", \.hidden, .within(1...1_048_576), "width of the hidden layers"),
      .init("depth", \.depth, .within(0...1000), "number of hidden layers"),
      .init("activation", \.activation, "layer behind each of them, as relu"),
      .init("normalization", \.normalization, "none, batch or layer, before the activation"),
      .init("dropout", \.dropout, .within(0..<1), "share that is left out in training"),
      .init("initialization", \.initialization, "how weights start"),
      .init("outputs", \.outputs, .within(1...1_048_576), "outputs where labels are values"),
    ]
  }

  /// Makes the network for inputs of any shape.
  ///
  /// - Throws: ``TensorError`` where `activation` is a layer that does not take `[hidden]`, or
  ///   makes something else of it than a row of numbers.
  package func network(for input: Shape, classes: Int?) throws -> Module {
    var layers: [any Layer] = [Flatten()]
    var shape: Shape = [input.count]
    func linear(_ outputs: Int) -> Linear {
      let layer = Linear(inputFeatures: shape.last, outputFeatures: outputs)
      if let rule = initialization.rule {
        layer.weight.initializer = rule
        layer.bias?.initializer = .zeros
      }
      return layer
    }
    for _ in 0..<depth {
      layers.append(linear(hidden))
      shape = [hidden]
      switch normalization {
      case .none: break
      case .batch: layers.append(BatchNorm(features: hidden))
      case .layer: layers.append(LayerNorm(normalizedShape: shape))
      }
      let start = activation.start
      let activation = try activation.options.layer(for: shape)
      try start?.apply(to: activation)
      shape = try activation.outputShape(for: shape)
      guard shape.rank == 1 else {
        throw TensorError(
          op: Self.name, "activation: makes \(shape) of [\(hidden)], expected a row of numbers")
      }
      layers.append(activation)
      if dropout > 0 { layers.append(Dropout(p: dropout)) }
    }
    return Sequential(layers + [linear(classes ?? outputs)])
  }
}
