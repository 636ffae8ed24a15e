import DLConfiguration
import DLTensor

/// The gated recurrent unit: gates r, z and a candidate n; `h' = (1 - z)·n + z·h`.
///
/// The reset is applied after the product: `n = tanh(W·x + b + r·(R·h + c))`. Parameters
/// `weight_ih_lK` `[3·hidden, features]`, `weight_hh_lK` `[3·hidden, hidden]`, `bias_ih_lK` and
/// `bias_hh_lK` `[3·hidden]` with rows in the order r, z, n, those of the reverse direction with
/// `_reverse` behind. See ``Recurrent``. Cho et al. 2014. Counterpart: `torch.nn.GRU`, whose
/// `batch_first` is false by default.
public final class GRU: Recurrent {
  /// The options of ``GRU`` in `model.layers`.
  package struct Options: LayerSpec {
    package static var word: String { "gru" }
    /// The sizes and the shape of the network.
    package var network = RecurrentOptions()
    package init() {}
    package static var fields: [ConfigurationField<Self>] {
      RecurrentOptions.fields(in: \Self.network)
    }
    package func layer(for input: Shape) throws -> any Layer {
      GRU(inputSize: try sequenceFeatures(Self.word, input), network)
    }
  }

  /// Makes a network over inputs of `inputSize` features by its options.
  package init(inputSize: Int, _ options: RecurrentOptions, batchFirst: Bool = true) {
    super.init(.gru, inputSize: inputSize, options, batchFirst: batchFirst)
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
