import DLConfiguration
import DLTensor

/// Long short-term memory: gates i, f, o and a candidate g; `c' = f·c + i·g`, `h' = o·tanh(c')`.
///
/// Parameters `weight_ih_lK` `[4·hidden, features]`, `weight_hh_lK` `[4·hidden, hidden]`,
/// `bias_ih_lK` and `bias_hh_lK` `[4·hidden]` with rows in the order i, f, g, o, those of the
/// reverse direction with `_reverse` behind. See ``Recurrent``. Hochreiter and Schmidhuber 1997.
/// Counterpart: `torch.nn.LSTM`, whose `batch_first` is false by default.
public final class LSTM: Recurrent {
  /// The options of ``LSTM`` in `model.layers`.
  package struct Options: LayerSpec {
    package static var word: String { "lstm" }
    /// The sizes and the shape of the network.
    package var network = RecurrentOptions()
    package init() {}
    package static var fields: [ConfigurationField<Self>] {
      RecurrentOptions.fields(in: \Self.network)
    }
    package func layer(for input: Shape) throws -> any Layer {
      LSTM(inputSize: try sequenceFeatures(Self.word, input), network)
    }
  }

  /// Makes a network over inputs of `inputSize` features by its options.
  package init(inputSize: Int, _ options: RecurrentOptions, batchFirst: Bool = true) {
    super.init(.lstm, inputSize: inputSize, options, batchFirst: batchFirst)
  }

  /// Makes a network from `inputSize` features to states of `hiddenSize` numbers.
  public convenience init(
    inputSize: Int, hiddenSize: Int, layers: Int = 1, bias: Bool = true, batchFirst: Bool = true,
    dropout: Double = 0, bidirectional: Bool = false, returns: RecurrentReturn = .sequence
  ) {
    self.init(
      inputSize: inputSize,
      RecurrentOptions(
        hidden: hiddenSize, layers: layers, bias: bias, dropout: dropout,
        bidirectional: bidirectional, returns: returns),
      batchFirst: batchFirst)
  }
}
