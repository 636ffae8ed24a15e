import CKernels
import Glibc

/// One recorded op: its result, and how the result's gradient reaches the inputs.
struct TapeEntry {
  let output: Tensor
  let backward: (Tensor) throws -> Void
  /// The Swift name of the op, for errors.
  let op: StaticString
  /// The gradients by the inputs as recorded ops; nil for an op that ran as one kernel.
  let pullbacks: [Pullback]?
  /// The inputs that are leaves on watch.
  let watchedUses: Int32
  /// The op's row in the context's profile; 0 without one.
  let profileRow: Int32
}

extension Context {
  /// Walks the tape from its end, adding to the gradient of every tensor that requires one, and
  /// empties it.
  ///
  /// - Parameters:
  ///   - loss: a scalar that was computed while ``recording(_:)``.
  ///   - seed: the gradient of the loss itself: 1, or 1 / denominator for a loss given as a sum.
  /// - Throws: what an op's backward throws; ``TensorError`` when `loss` is not a scalar.
  public func backward(_ loss: Tensor, seed: Double = 1) throws {
    guard loss.count == 1 else {
      throw TensorError(op: "backward", "needs a scalar, got shape \(loss.shape)")
    }
    defer { discardTape() }
    let gradient = try Tensor.full(loss.shape, seed, dtype: loss.dtype, context: self)
    try backward(from: loss, gradient: gradient)
  }

  /// Walks the tape back from `output`, of any shape, whose gradient is `gradient`, of the same.
  ///
  /// The memory of `gradient` is taken over: the caller must not use it afterwards.
  ///
  /// - Throws: ``TensorError`` for a gradient of another shape, or where there is no memory.
  public func backward(from output: Tensor, gradient: Tensor) throws {
    guard output.shape == gradient.shape else {
      throw TensorError(
        op: "backward", "output has shape \(output.shape), its gradient \(gradient.shape)")
    }
    defer { discardTape() }
    try withoutRecording {
      try output.receiveGradient(gradient)
      try gradientWatch?.willRunBack()
      while let entry = tape.popLast() {
        if let incoming = entry.output.takeGradient() {
          if let profile {
            try profile.runBack(entry.profileRow) { try entry.backward(incoming) }
          } else {
            try entry.backward(incoming)
          }
        }
        if entry.watchedUses > 0 { try gradientWatch?.didRunBack(Int(entry.watchedUses)) }
      }
    }
  }

  /// Forgets what was recorded, as after a failed step.
  package func discardTape() { tape.removeAll(keepingCapacity: true) }

  /// Notes how `output` was made, when recording and when an input requires a gradient; returns
  /// `output`.
  ///
  /// - Parameter multiplyAdds: the products that the op adds up, for profiles; 0 where it is none of
  ///   products.
  func record(
    _ output: Tensor, from inputs: Tensor?..., op: StaticString = #function,
    multiplyAdds: Int = 0, backward: @escaping (Tensor) throws -> Void
  ) -> Tensor {
    record(output, fromAny: inputs, op: op, multiplyAdds: multiplyAdds, backward: backward)
  }

  /// The same for a number of inputs that is known when the program runs.
  @inline(__always)  // The array of inputs stays on the stack then.
  func record(
    _ output: Tensor, fromAny inputs: [Tensor?], op: StaticString = #function,
    multiplyAdds: Int = 0, backward: @escaping (Tensor) throws -> Void
  ) -> Tensor {
    guard isRecording else { return output }
    var row: Int32 = 0
    if let profile {
      // Not handed over as an array: that would take it to the heap, profile or not.
      var operands = OpProfile.Operands()
      for input in inputs { operands.add(input) }
      row = profile.didRun(op, output, operands, multiplyAdds: multiplyAdds)
    }
    guard inputs.contains(where: { $0?.requiresGradient == true }) else { return output }
    output.requiresGradient = true
    var uses: Int32 = 0
    if let gradientWatch {
      for case let input? in inputs where gradientWatch.note(input) { uses += 1 }
    }
    tape.append(
      TapeEntry(
        output: output, backward: backward, op: op, pullbacks: nil, watchedUses: uses,
        profileRow: row))
    return output
  }
}

extension Tensor {
  /// Hands `body` the memory that this tensor's gradient goes to, and whether to add to it (1) or
  /// overwrite it (0).
  ///
  /// Parameters point into the gradient arena, so that products accumulate straight into it.
  func addGradient(_ body: (UnsafeMutableRawPointer, Int32) throws -> Void) throws {
    guard requiresGradient else { return }
    guard !isGradientComplete else {
      throw TensorError(
        op: "backward", "reaches a parameter whose gradient was handed over; set overlap: off",
        exitCode: .fault)
    }
    let target = try gradient ?? Tensor.empty(shape, dtype: dtype, context: context)
    gradient = target
    try body(target.pointer, hasGradient ? 1 : 0)
    hasGradient = true
  }

  /// The same where `spent`, of this tensor's element count, is of no use any more once `body` has
  /// read an element of it to write the one at its place: a first gradient takes its memory.
  ///
  /// So the gradient at an op's result becomes that at its input without another tensor.
  func addGradient(
    reusing spent: Tensor, _ body: (UnsafeMutableRawPointer, Int32) throws -> Void
  ) throws {
    if requiresGradient, gradient == nil {
      gradient = spent.shape == shape ? spent : spent.view(shape)
    }
    try addGradient(body)
  }

  /// Hands `body` the memory that this tensor's gradient goes to, to add to it: zeroed where no
  /// gradient has arrived yet.
  func accumulateGradient(_ body: (UnsafeMutableRawPointer) throws -> Void) throws {
    try addGradient { target, accumulate in
      if accumulate == 0 { memset(target, 0, byteCount) }
      try body(target)
    }
  }

  /// Adds a finished gradient of this tensor's element count, taking over its memory where that is
  /// safe.
  ///
  /// The caller must not read or write `incoming` afterwards.
  func receiveGradient(_ incoming: Tensor) throws {
    guard requiresGradient else { return }
    if gradient == nil {
      gradient = incoming.shape == shape ? incoming : incoming.view(shape)
      hasGradient = true
      return
    }
    try addGradient { target, accumulate in
      dl_scale(dtype.kernel, 1, incoming.pointer, target, count, accumulate)
    }
  }

  /// Takes the gradient of an intermediate result off it; nil when none has arrived.
  fileprivate func takeGradient() -> Tensor? {
    guard hasGradient, let result = gradient else { return nil }
    gradient = nil
    hasGradient = false
    return result
  }
}
