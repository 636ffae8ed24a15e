import DLConfiguration
import DLTensor

/// The activation of a plain recurrent layer.
public enum RNNNonlinearity: String, ConfigurationWord {
  /// The hyperbolic tangent.
  case tanh
  /// `max(x, 0)`.
  case relu
}

/// A plain recurrent network: `h' = tanh(W·x + b + R·h + c)`, or the ReLU of it.
///
/// Parameters `weight_ih_lK` `[hidden, features]`, `weight_hh_lK` `[hidden, hidden]`, `bias_ih_lK`
/// and `bias_hh_lK` `[hidden]`, those of the reverse direction with `_reverse` behind. See
/// ``Recurrent``. Elman 1990. Counterpart: `torch.nn.RNN`, whose `batch_first` is false by default.
public final class RNN: Recurrent {
  /// The options of ``RNN`` in `model.layers`.
  package struct Options: LayerSpec {
    package static var word: String { "rnn" }
    /// The sizes and the shape of the network.
    package var network = RecurrentOptions()
    /// The activation.
    package var nonlinearity = RNNNonlinearity.tanh
    package init() {}
    package static var fields: [ConfigurationField<Self>] {
      RecurrentOptions.fields(in: \Self.network)
        + [.init("nonlinearity", \.nonlinearity, "tanh or relu")]
    }
    package func layer(for input: Shape) throws -> any Layer {
      RNN(inputSize: try sequenceFeatures(Self.word, input), network, nonlinearity: nonlinearity)
    }
  }

  /// Makes a network over inputs of `inputSize` features by its options.
  package init(
    inputSize: Int, _ options: RecurrentOptions, nonlinearity: RNNNonlinearity = .tanh,
    batchFirst: Bool = true
  ) {
    super.init(
      nonlinearity == .relu ? .relu : .tanh, inputSize: inputSize, options, batchFirst: batchFirst)
  }

  /// Makes a network from `inputSize` features to states of `hiddenSize` numbers.
  public convenience init(
    inputSize: Int, hiddenSize: Int, layers: Int = 1, nonlinearity: RNNNonlinearity = .tanh,
    bias: Bool = true, batchFirst: Bool = true, dropout: Double = 0, bidirectional: Bool = false,
    returns: RecurrentReturn = .sequence
  ) {
    self.init(
      inputSize: inputSize,
      RecurrentOptions(
        hidden: hiddenSize, layers: layers, bias: bias, dropout: dropout,
        bidirectional: bidirectional, returns: returns),
      nonlinearity: nonlinearity, batchFirst: batchFirst)
  }
}
