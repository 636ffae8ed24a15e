/// Ops taken off a context's tape, to differentiate them later.
///
/// Two networks can share a forward pass so: record the first, take its ops off, differentiate what
/// the second makes of a ``Tensor/detached()`` result, then put the ops back and go on from the
/// result itself. Counterpart: `backward(retain_graph=True)` over part of a graph.
package struct RecordedOps {
  fileprivate let entries: [TapeEntry]
}

extension Context {
  /// Takes everything off the tape.
  package func takeRecordedOps() -> RecordedOps {
    let taken = RecordedOps(entries: tape)
    discardTape()
    return taken
  }

  /// Puts ops on the empty tape, as if they had just been recorded.
  package func restore(_ ops: RecordedOps) { tape.append(contentsOf: ops.entries) }
}

extension Tensor {
  /// The same elements in the same memory, through which no gradient flows.
  ///
  /// Shapes: any to the same. Counterpart: `torch.Tensor.detach`.
  public func detached() -> Tensor { view(shape) }
}
