import CKernels

/// One input of an op, and the op's gradient by it made of recorded ops.
struct Pullback {
  let input: Tensor
  let gradient: (Tensor) throws -> Tensor

  /// From the gradient that enters at the op's result to the one by `input`.
  init(_ input: Tensor, _ gradient: @escaping (Tensor) throws -> Tensor) {
    self.input = input
    self.gradient = gradient
  }
}

extension Context {
  /// Records the ops of `body` so that their gradients can be differentiated again.
  ///
  /// Within `body` an op that fuses several runs as its decomposition into plain ops, and each plain
  /// op notes its gradient as further plain ops. That takes more memory and time than
  /// ``recording(_:)``, so only what ``gradients(of:with:seed:createGraph:)`` is to see belongs into
  /// `body`. ``backward(_:seed:)`` works for both kinds, also mixed.
  ///
  /// A critic's gradient penalty (Gulrajani et al. 2017):
  ///
  ///     let penalty = try context.differentiably {
  ///       let slope = try context.gradients(
  ///         of: critic(mixed).sum(), with: [mixed], createGraph: true)[0]
  ///       let excess = try (slope * slope).sum(axis: 1).sqrt() - 1
  ///       return try (excess * excess).mean()
  ///     }
  ///
  /// - Throws: what `body` throws.
  public func differentiably<R>(_ body: () throws -> R) rethrows -> R {
    let outer = isDecomposing
    isDecomposing = true
    defer { isDecomposing = outer }
    return try recording(body)
  }

  /// The gradients of `output` by each of `inputs`, all of any shape, without touching any
  /// ``Tensor/gradient``.
  ///
  /// Counterpart: `torch.autograd.grad`. What was recorded stays on the tape, so that further
  /// gradients can be taken; an input on which `output` does not depend gets zeros.
  ///
  /// - Parameters:
  ///   - output: a tensor computed within ``differentiably(_:)``.
  ///   - inputs: tensors that require gradients.
  ///   - seed: the gradient of `output` itself, of its shape; ones for a scalar.
  ///   - createGraph: whether the gradients are recorded too, to be differentiated in turn.
  /// - Throws: ``TensorError`` naming an op on the way that has no second derivatives, or that was
  ///   recorded outside ``differentiably(_:)``.
  public func gradients(
    of output: Tensor, with inputs: [Tensor], seed: Tensor? = nil, createGraph: Bool = false
  ) throws -> [Tensor] {
    let seed = try seed ?? Tensor.full(output.shape, 1, dtype: output.dtype, context: self)
    guard seed.shape == output.shape, seed.dtype == output.dtype else {
      throw TensorError(
        op: "gradients",
        "output is \(output.dtype) \(output.shape), its gradient \(seed.dtype) \(seed.shape)")
    }
    for (index, input) in inputs.enumerated() where !input.requiresGradient {
      throw TensorError(op: "gradients", "input \(index) does not require a gradient")
    }
    var found = [ObjectIdentifier(output): seed]
    let walk = { [self] in try pull(from: entries(between: inputs, and: output), into: &found) }
    try createGraph ? differentiably(walk) : withoutRecording(walk)
    return try inputs.map { input in
      try found[ObjectIdentifier(input)]
        ?? Tensor.zeros(input.shape, dtype: input.dtype, context: self)
    }
  }

  /// The recorded ops whose results may depend on one of `inputs`, oldest first.
  private func entries(between inputs: [Tensor], and output: Tensor) -> [TapeEntry] {
    var dependent = Set(inputs.map(ObjectIdentifier.init))
    // Ops older than every input cannot depend on one, whatever they are.
    let made = Set(tape.map { ObjectIdentifier($0.output) })
    let hasLeaf = !dependent.isSubset(of: made)
    let first = hasLeaf ? nil : tape.firstIndex { dependent.contains(ObjectIdentifier($0.output)) }
    return tape.dropFirst(first.map { $0 + 1 } ?? 0).filter { entry in
      // An op that ran as one kernel does not tell its inputs.
      let depends =
        entry.pullbacks?.contains { dependent.contains(ObjectIdentifier($0.input)) } ?? true
      if depends { dependent.insert(ObjectIdentifier(entry.output)) }
      return depends
    }
  }

  private func pull(
    from entries: [TapeEntry], into found: inout [ObjectIdentifier: Tensor]
  ) throws {
    for entry in entries.reversed() {
      guard let incoming = found[ObjectIdentifier(entry.output)] else { continue }
      guard let pullbacks = entry.pullbacks else {
        throw TensorError(
          op: String("\(entry.op)".prefix { $0 != "(" }),
          "has no second derivatives, or was recorded outside of differentiably { }")
      }
      for pullback in pullbacks where pullback.input.requiresGradient {
        let part = try pullback.gradient(incoming)
        let key = ObjectIdentifier(pullback.input)
        found[key] = try found[key].map { try $0 + part } ?? part
      }
    }
  }

  /// Notes how `output` was made by an op whose gradients are recorded ops; returns `output`.
  func record(_ output: Tensor, op: StaticString = #function, _ pullbacks: Pullback...) -> Tensor {
    record(output, op: op, pullbacks)
  }

  /// The same for a number of inputs that is known when the program runs.
  func record(_ output: Tensor, op: StaticString, _ pullbacks: [Pullback]) -> Tensor {
    guard isRecording else { return output }
    var row: Int32 = 0
    if let profile {
      var operands = OpProfile.Operands()
      for pullback in pullbacks { operands.add(pullback.input) }
      row = profile.didRun(op, output, operands, multiplyAdds: 0)
    }
    guard pullbacks.contains(where: { $0.input.requiresGradient }) else { return output }
    output.requiresGradient = true
    let backward = { (dy: Tensor) in
      for pullback in pullbacks where pullback.input.requiresGradient {
        let part = try pullback.gradient(dy)
        // Copied: a pullback may give out `dy` itself, and to several inputs.
        try pullback.input.addGradient { target, accumulate in
          dl_scale(part.dtype.kernel, 1, part.pointer, target, part.count, accumulate)
        }
      }
    }
    let uses = pullbacks.count { gradientWatch?.note($0.input) ?? false }
    tape.append(
      TapeEntry(
        output: output, backward: backward, op: op, pullbacks: pullbacks,
        watchedUses: Int32(uses), profileRow: row))
    return output
  }
}

extension Tensor {
  /// Repeats this tensor along broadcast axes to `target`, recorded.
  func expanded(to target: Shape) throws -> Tensor {
    try shape == target ? self : broadcast(to: target)
  }

  /// Sums over the axes along which broadcasting repeats `target`, recorded.
  func summed(to target: Shape) throws -> Tensor {
    guard shape != target else { return self }
    let lead = shape.rank - target.rank
    let axes = (0..<shape.rank).filter { axis in
      axis < lead || (target[axis - lead] == 1 && shape[axis] != 1)
    }
    return try (axes.isEmpty ? self : sum(axes: axes, keepsAxes: true)).reshape(target)
  }
}
