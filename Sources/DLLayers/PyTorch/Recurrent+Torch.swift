import DLTensor

extension Recurrent: BuiltInTorchLayer {
  /// `nn.RNN`, `nn.LSTM` or `nn.GRU`, of which the outputs or the last state go on.
  ///
  /// - Throws: ``LayerExportError`` where rows end and time is their first axis.
  package func torch(for input: Shape, in program: TorchProgram) throws -> TorchExpression {
    if program.rowsEnd {
      guard batchFirst else {
        throw LayerExportError("PyTorch code", self, "time is its first axis; use batchFirst")
      }
      program.defineEndedOutputs()
    }
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

extension TorchProgram {
  /// `outputs_of` for rows that end: outputs behind an end are 0, and the last state is that at it.
  fileprivate func defineEndedOutputs() {
    defineEnds()
    define(
      "outputs_of",
      """
      def outputs_of(module, last=False):
          \"""`module` with the outputs of all steps alone, or the last layer's state at rows' ends.\"""

          class Outputs(module):
              def forward(self, x):
                  lengths = torch.full([len(x)], x.shape[1]) if ends(x) is None else ends(x)
                  steps, some = lengths.clamp(min=1).long(), lengths > 0
                  packed = nn.utils.rnn.pack_padded_sequence(x, steps, True, False)
                  outputs, state = super().forward(packed)
                  if not last:
                      time = x.shape[1]
                      y, _ = nn.utils.rnn.pad_packed_sequence(outputs, True, total_length=time)
                      return y * some[:, None, None]
                  hidden = state[0] if isinstance(state, tuple) else state
                  directions = 2 if self.bidirectional else 1
                  return hidden[-directions:].transpose(0, 1).flatten(1) * some[:, None]

          return Outputs
      """)
  }
}
