import CKernels

extension Tensor {
  /// A recurrent network over whole sequences: `weights[layer][direction]`, one or two directions.
  ///
  /// Shapes: this tensor `[batch, time, features]`, or `[time, batch, features]` unless
  /// `batchFirst`; output `[batch, time, directions · hidden]` in the same order; states
  /// `[layers · directions, batch, hidden]`. Gradients flow to the initial state and from the final
  /// one. Counterparts: `torch.nn.RNN`, `torch.nn.LSTM`, `torch.nn.GRU`.
  ///
  /// - Parameters:
  ///   - state: where each layer and direction starts; zeros unless given.
  ///   - lengths: int32 `[batch]`, the valid steps of each row, from the first; all unless given.
  ///     Output past them is 0, the final state is that of the last valid step, and the reverse
  ///     direction starts there, as with `torch.nn.utils.rnn.pack_padded_sequence`. A row of length 0
  ///     hands its initial state on.
  ///   - dropout: the probability and the key of a dropout between layers.
  /// - Throws: ``TensorError`` for shapes that do not fit, or a length outside `0 ... time`.
  package func recurrent(
    _ cell: RecurrentCell, weights: [[RecurrentWeights]], state: RecurrentState? = nil,
    lengths: Tensor? = nil, dropout: (p: Double, key: RandomKey)? = nil, batchFirst: Bool = true
  ) throws -> (output: Tensor, state: RecurrentState) {
    try requireReal(op: cell.name)
    guard let directions = weights.first?.count, directions == 1 || directions == 2 else {
      throw TensorError(op: cell.name, "needs a layer, of one direction or two")
    }
    // Below this bound no sum or product of extents overflows.
    guard shape.rank == 3, shape.dimensions.allSatisfy({ $0 < Int32.max }) else {
      throw TensorError(
        op: cell.name,
        "input has shape \(shape), expected \(batchFirst ? "[batch, time" : "[time, batch"), "
          + "features]")
    }
    if let dropout, !(dropout.p >= 0 && dropout.p < 1) {
      throw TensorError(op: cell.name, "dropout is \(dropout.p), expected 0 <= p < 1")
    }
    let (batch, time) = batchFirst ? (shape[0], shape[1]) : (shape[1], shape[0])
    try requireWeights(cell, weights, directions)
    let hidden = weights[0][0].hidden.shape[1]
    try requireState(cell, state, [weights.count * directions, batch, hidden])
    try requireLengths(cell.name, lengths, batch, upTo: time)

    var x = batchFirst ? try permute(1, 0, 2) : self
    var finals: [RecurrentState] = []
    for (layer, weights) in weights.enumerated() {
      if layer > 0, let dropout, dropout.p > 0 {
        x = try x.dropoutByStep(dropout.p, key: dropout.key.child(layer))
      }
      let planes = layer * directions..<(layer + 1) * directions
      let pass = RecurrentLayer(cell, x, weights, initial: try state?.planes(planes), lengths)
      let (output, final) = try pass.run()
      x = output
      finals.append(final)
    }
    return (batchFirst ? try x.permute(1, 0, 2) : x, try RecurrentState.joining(finals))
  }

  /// Checks int32 lengths in `0 ... limit`, one for each row.
  func requireLengths(_ op: String, _ lengths: Tensor?, _ rows: Int, upTo limit: Int) throws {
    guard let lengths else { return }
    guard lengths.dtype == .int32, lengths.shape == [rows] else {
      throw TensorError(
        op: op,
        "input has shape \(shape), lengths \(lengths.dtype) \(lengths.shape); expected int32 "
          + "[\(rows)]")
    }
    for row in 0..<rows where !(0...limit).contains(Int(lengths.int32s[row])) {
      throw TensorError(
        op: op, "length \(lengths.int32s[row]) of row \(row) is not in 0 ... \(limit)",
        exitCode: .data)
    }
  }

  private func requireWeights(
    _ cell: RecurrentCell, _ layers: [[RecurrentWeights]], _ directions: Int
  ) throws {
    let first = layers[0][0].hidden.shape
    guard first.rank == 2, first[1] < Int32.max else {
      throw TensorError(
        op: cell.name,
        "weight of the state has shape \(first), expected [gates · hidden, hidden]")
    }
    let (hidden, rows) = (first[1], cell.gates * first[1])
    for (layer, weights) in layers.enumerated() {
      guard weights.count == directions else {
        throw TensorError(
          op: cell.name, "layer \(layer) has \(weights.count) directions, layer 0 \(directions)")
      }
      let features = layer == 0 ? shape[2] : directions * hidden
      for weights in weights {
        guard weights.input.shape == [rows, features], weights.hidden.shape == [rows, hidden],
          weights.input.dtype == dtype, weights.hidden.dtype == dtype
        else {
          throw TensorError(
            op: cell.name,
            "input of layer \(layer) is \(dtype) with \(features) features, weights "
              + "\(weights.input.dtype) \(weights.input.shape) and \(weights.hidden.shape); expected "
              + "[\(rows), \(features)] and [\(rows), \(hidden)]")
        }
        for case let bias? in [weights.inputBias, weights.hiddenBias]
        where bias.shape != [rows] || bias.dtype != dtype {
          throw TensorError(
            op: cell.name,
            "bias is \(bias.dtype) \(bias.shape), weight expects \(dtype) [\(rows)]")
        }
      }
    }
  }

  private func requireState(_ cell: RecurrentCell, _ state: RecurrentState?, _ expected: Shape)
    throws
  {
    guard let state else { return }
    guard (state.cell != nil) == (cell == .lstm) else {
      throw TensorError(
        op: cell.name, "the state has \(state.cell == nil ? "no" : "a") cell state")
    }
    for case let tensor? in [state.hidden, state.cell]
    where tensor.shape != expected || tensor.dtype != dtype {
      throw TensorError(
        op: cell.name,
        "input has shape \(shape), state \(tensor.dtype) \(tensor.shape); expected \(dtype) "
          + "\(expected)")
    }
  }
}
