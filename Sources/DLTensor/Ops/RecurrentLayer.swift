import CKernels
import Glibc

/// One recurrent layer over `[time, batch, features]`, in one direction or both.
///
/// The input's products are one matrix product over all time steps, and so are all gradients of
/// weights; a step costs one product and one pass over the gates.
final class RecurrentLayer {
  let cell: RecurrentCell
  let x: Tensor
  let weights: [RecurrentWeights]
  let initial: RecurrentState?
  let lengths: Tensor?
  /// The gradients that arrive at the final state.
  private var finalGradient: (hidden: Tensor?, cell: Tensor?)

  init(
    _ cell: RecurrentCell, _ x: Tensor, _ weights: [RecurrentWeights], initial: RecurrentState?,
    _ lengths: Tensor?
  ) {
    self.cell = cell
    self.x = x
    self.weights = weights
    self.initial = initial
    self.lengths = lengths
  }

  func run() throws -> (output: Tensor, state: RecurrentState) {
    let context = x.context
    if context.isDecomposing { return try decomposed() }
    let (time, batch, hidden) = (x.shape[0], x.shape[1], weights[0].hidden.shape[1])
    let directions = try weights.enumerated().map { index, weights in
      try RecurrentDirection(cell, x, weights, lengths, reversed: index == 1)
    }
    let planes: Shape = [weights.count, batch, hidden]
    let final = try Tensor.empty(planes, dtype: x.dtype, context: context)
    let finalCell =
      cell == .lstm ? try Tensor.empty(planes, dtype: x.dtype, context: context) : nil
    // One direction over full rows: what the states hold is the output.
    let isShared = weights.count == 1 && lengths == nil
    let output =
      isShared
      ? directions[0].outputs
      : try Tensor.empty([time, batch, weights.count * hidden], dtype: x.dtype, context: context)
    let plane = batch * hidden * x.dtype.byteCount
    for (index, direction) in directions.enumerated() {
      try direction.forward(
        from: initial.map { $0.hidden.pointer + index * plane },
        cell: initial?.cell.map { $0.pointer + index * plane },
        output: isShared ? nil : output.pointer + index * hidden * x.dtype.byteCount,
        stride: weights.count * hidden)
      direction.copyFinal(to: final.pointer + index * plane)
      if let finalCell { direction.copyFinalCell(to: finalCell.pointer + index * plane) }
    }
    let (first, second) = (weights[0], weights.count > 1 ? weights[1] : nil)
    let y = context.record(
      output, from: x, initial?.hidden, initial?.cell, first.input, first.hidden, first.inputBias,
      first.hiddenBias, second?.input, second?.hidden, second?.inputBias, second?.hiddenBias,
      op: cell.op,
      multiplyAdds: time * batch * weights.reduce(0) { $0 + $1.input.count + $1.hidden.count }
    ) { [self] dy in try backward(dy, directions) }
    // The final states' gradients arrive first and wait for the output's, which may be none.
    let state = RecurrentState(
      hidden: context.record(final, from: y, op: "finalState") { [self] gradient in
        finalGradient.hidden = gradient
        try y.completeGradient()
      },
      cell: finalCell.map {
        context.record($0, from: y, op: "finalState") { [self] gradient in
          finalGradient.cell = gradient
          try y.completeGradient()
        }
      })
    return (y, state)
  }

  private func backward(_ dy: Tensor, _ directions: [RecurrentDirection]) throws {
    let context = x.context
    let (batch, hidden) = (x.shape[1], weights[0].hidden.shape[1])
    let planes: Shape = [weights.count, batch, hidden]
    let dh =
      try finalGradient.hidden ?? Tensor.zeros(planes, dtype: x.dtype, context: context)
    let dc =
      cell != .lstm
      ? nil : try finalGradient.cell ?? Tensor.zeros(planes, dtype: x.dtype, context: context)
    finalGradient = (nil, nil)
    let plane = batch * hidden * x.dtype.byteCount
    for (index, direction) in directions.enumerated() {
      try direction.backward(
        dy.pointer + index * hidden * x.dtype.byteCount, stride: weights.count * hidden,
        dh: dh.pointer + index * plane, dc: dc.map { $0.pointer + index * plane })
    }
    try x.addGradient { dx, accumulate in
      for (index, direction) in directions.enumerated() {
        direction.addInputGradient(to: dx, accumulate: index == 0 ? accumulate : 1)
      }
    }
    for direction in directions { try direction.addWeightGradients() }
    try initial?.hidden.receiveGradient(dh)
    if let dc { try initial?.cell?.receiveGradient(dc) }
  }
}

extension Tensor {
  /// Makes the gradient zero where none has arrived, so that the tape does not pass this tensor by.
  fileprivate func completeGradient() throws {
    try addGradient { target, accumulate in
      if accumulate == 0 { memset(target, 0, byteCount) }
    }
  }
}
