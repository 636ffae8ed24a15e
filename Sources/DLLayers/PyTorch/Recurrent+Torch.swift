import DLTensor

extension Recurrent: BuiltInTorchLayer {
  /// `nn.RNN`, `nn.LSTM` or `nn.GRU`, of which the outputs or the last state go on.
  package func torch(for input: Shape, in program: TorchProgram) throws -> TorchExpression {
    try program.requireWholeRows(self)
    program.define(
      "outputs_of",
      """
      def outputs_of(module, last=False):
          \"""`module` with the outputs of all steps alone, or the last layer's final state.\"""

          class Outputs(module):
              def forward(self, x):
                  outputs, state = super().forward(x)
                  if not last:
                      return outputs
                  hidden = state[0] if isinstance(state, tuple) else state
                  directions = 2 if self.bidirectional else 1
                  return hidden[-directions:].transpose(0, 1).flatten(1)

          return Outputs
      """)
    let module =
      switch cell {
      case .lstm: "nn.LSTM"
      case .gru: "nn.GRU"
      case .tanh, .relu: "nn.RNN"
      }
    return .call(
      "outputs_of(\(module)\(options.returns == .last ? ", last=True" : ""))",
      ["\(inputSize)", "\(options.hidden)"],
      [
        "num_layers": .number(options.layers, unless: 1),
        "nonlinearity": cell == .relu ? "\"relu\"" : nil,
        "bias": .flag(options.bias, unless: true), "batch_first": .flag(batchFirst, unless: false),
        "dropout": .number(options.dropout, unless: 0),
        "bidirectional": .flag(isBidirectional, unless: false),
      ])
  }
}
