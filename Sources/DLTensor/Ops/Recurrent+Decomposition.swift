// Recurrent layers made of plain ops, step by step, which differentiate again.
extension RecurrentLayer {
  /// The result of ``run()``.
  func decomposed() throws -> (output: Tensor, state: RecurrentState) {
    let passes = try weights.indices.map { try decomposed($0) }
    let cells = passes.compactMap(\.cell)
    return (
      try .concat(passes.map(\.output), axis: 2),
      RecurrentState(
        hidden: try .stack(passes.map(\.hidden)),
        cell: cells.isEmpty ? nil : try .stack(cells))
    )
  }

  /// One direction: its outputs `[time, batch, hidden]` and the states at its end, `[batch, hidden]`.
  private func decomposed(_ direction: Int) throws -> (
    output: Tensor, hidden: Tensor, cell: Tensor?
  ) {
    let (weights, context) = (weights[direction], x.context)
    let (time, batch, width) = (x.shape[0], x.shape[1], weights.hidden.shape[1])
    func start(_ state: Tensor?) throws -> Tensor {
      try state.map { try $0.select(0, direction) }
        ?? Tensor.zeros([batch, width], dtype: x.dtype, context: context)
    }
    var h = try start(initial?.hidden)
    var c = cell == .lstm ? try start(initial?.cell) : nil
    let products = try x.linear(weights.input, bias: weights.inputBias)
    var outputs: [Tensor] = []
    for index in 0..<time {
      let step = direction == 1 ? time - 1 - index : index
      let (nextH, nextC) = try stepped(
        products.select(0, step), h.linear(weights.hidden, bias: weights.hiddenBias), h, c)
      guard let valid = try valid(step, batch) else {
        (h, c) = (nextH, nextC)
        outputs.append(h)
        continue
      }
      // Behind its end a row hands its state on, and puts out 0.
      outputs.append(try nextH * valid)
      h = try h + (nextH - h) * valid
      if let last = c, let nextC { c = try last + (nextC - last) * valid }
    }
    if direction == 1 { outputs.reverse() }
    let output =
      outputs.isEmpty
      ? try Tensor.zeros([0, batch, width], dtype: x.dtype, context: context)
      : try Tensor.stack(outputs)
    return (output, h, c)
  }

  /// The states behind a step, from the products of its input and of the state with their biases.
  private func stepped(_ a: Tensor, _ b: Tensor, _ h: Tensor, _ c: Tensor?) throws
    -> (h: Tensor, c: Tensor?)
  {
    func gate(_ tensor: Tensor, _ index: Int) throws -> Tensor {
      try tensor.narrow(1, start: index * h.shape[1], length: h.shape[1])
    }
    func sum(_ index: Int) throws -> Tensor { try gate(a, index) + gate(b, index) }
    switch cell {
    case .tanh: return (try sum(0).tanh(), nil)
    case .relu: return (try sum(0).relu(), nil)
    case .lstm:
      let added = try sum(0).sigmoid() * sum(2).tanh()
      let next = try c.map { try sum(1).sigmoid() * $0 + added } ?? added
      return (try sum(3).sigmoid() * next.tanh(), next)
    case .gru:
      let z = try sum(1).sigmoid()
      let n = try (gate(a, 2) + sum(0).sigmoid() * gate(b, 2)).tanh()
      return (try n + z * (h - n), nil)
    }
  }

  /// 1 for rows that have a step, else 0, `[batch, 1]`; nil where all have it.
  private func valid(_ step: Int, _ batch: Int) throws -> Tensor? {
    guard let lengths else { return nil }
    let flags = (0..<batch).map { Int(lengths.int32s[$0]) > step ? 1.0 : 0 }
    guard flags.contains(0) else { return nil }
    return try .values(flags, shape: [batch, 1], dtype: x.dtype, context: x.context)
  }
}
