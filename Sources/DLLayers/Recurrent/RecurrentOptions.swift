import DLConfiguration
import DLTensor

/// The options that all recurrent layers share.
package struct RecurrentOptions: Sendable, Equatable {
  /// Numbers in the state of a layer and direction.
  package var hidden = 0
  /// Layers, each over the outputs of the one before.
  package var layers = 1
  /// True to add biases.
  package var bias = true
  /// The probability to zero an output between layers.
  package var dropout = 0.0
  /// True if every layer also reads its input from the end.
  package var bidirectional = false
  /// The part of the results that the next layer gets.
  package var returns = RecurrentReturn.sequence

  package init() {}

  package init(
    hidden: Int, layers: Int = 1, bias: Bool = true, dropout: Double = 0,
    bidirectional: Bool = false, returns: RecurrentReturn = .sequence
  ) {
    self.hidden = hidden
    self.layers = layers
    self.bias = bias
    self.dropout = dropout
    self.bidirectional = bidirectional
    self.returns = returns
  }

  var directions: Int { bidirectional ? 2 : 1 }

  static func fields<Word: LayerSpec>(in network: WritableKeyPath<Word, Self>)
    -> [ConfigurationField<Word>]
  {
    [
      .init(
        "hidden", network.appending(path: \.hidden), .layerSize, required: true,
        "numbers in the state of a layer and direction"),
      .init(
        "layers", network.appending(path: \.layers), .within(1...1024),
        "layers, each over the outputs of the one before"),
      .init("bias", network.appending(path: \.bias), "whether to add biases"),
      .init(
        "dropout", network.appending(path: \.dropout), .within(0..<1),
        "the probability to zero an output between layers"),
      .init(
        "bidirectional", network.appending(path: \.bidirectional),
        "whether every layer also reads its input from the end"),
      .init(
        "return", network.appending(path: \.returns),
        "sequence: the outputs of all steps; last: the last layer's final state"),
    ]
  }
}

func sequenceFeatures(_ op: String, _ input: Shape) throws -> Int {
  guard input.rank == 2 else {
    throw TensorError(op: op, "input has shape \(input), expected [time, features]")
  }
  return input[1]
}
