import DLCore

/// The time of forward and backward passes, by op and layer.
///
/// An op's time forward lasts from the end of the op before it to its own, with what the layer does
/// around it; backward it is that of its pullback. Collectives within ops do not count. Counterpart:
/// `torch.profiler`.
package final class OpProfile {
  /// The totals of an op's calls in one direction.
  package struct Totals: Sendable {
    /// Calls.
    package internal(set) var calls = 0
    /// Their time.
    package internal(set) var nanoseconds = 0
    /// Products that they added up; 0 for an op that is none of products.
    package internal(set) var multiplyAdds = 0
    /// The least that they move: forward each input and the result once, backward each gradient.
    package internal(set) var bytes = 0

    /// Makes totals of nothing.
    package init() {}

    fileprivate init(calls: Int = 0, nanoseconds: Int = 0, multiplyAdds: Int = 0, bytes: Int = 0) {
      (self.calls, self.nanoseconds) = (calls, nanoseconds)
      (self.multiplyAdds, self.bytes) = (multiplyAdds, bytes)
    }
  }

  /// An op in a layer.
  package struct Row: Sendable {
    /// The op's Swift name without its labels.
    package let op: String
    /// The layer's path; empty outside of all, as the loss is.
    package let layer: String
    /// Forward.
    package internal(set) var forward = Totals()
    /// Backward.
    package internal(set) var backward = Totals()
  }

  /// The size of an op's inputs.
  struct Operands {
    private(set) var bytes = 0
    private(set) var gradientBytes = 0
    private(set) var firstTakesGradient = false
    private var count = 0

    /// Adds the next input; nil for one that the op does without.
    mutating func add(_ input: Tensor?) {
      count += 1
      guard let input else { return }
      bytes += input.byteCount
      guard input.requiresGradient else { return }
      gradientBytes += input.byteCount
      firstTakesGradient = firstTakesGradient || count == 1
    }
  }

  private struct Key: Hashable {
    let op: UnsafePointer<UInt8>
    let layer: String
  }

  private var places: [Key: Int] = [:]
  private var table: [Row] = []
  private var layers: [String] = []
  private var mark = monotonicNanoseconds()
  /// Nanoseconds so far that count for no op.
  private var paused = 0

  /// Starts without any row.
  package init() {}

  /// The ops that ran, in the order of their first calls.
  package var rows: [Row] { table.filter { $0.forward.calls > 0 } }

  /// Forgets what was counted; not within a pass.
  package func restart() {
    for index in table.indices {
      table[index].forward = Totals()
      table[index].backward = Totals()
    }
  }

  /// Leaves time of a pass out, such as waiting for other ranks.
  package func leaveOut(nanoseconds: Int) { paused += nanoseconds }

  /// Enters a layer: ops are its own until it is left.
  package func enter(layer: String) { layers.append(layer) }

  /// Leaves the layer that was entered last.
  package func leave() { layers.removeLast() }

  /// Starts to count at the beginning of a pass.
  func begin() { mark = now }

  private var now: Int { monotonicNanoseconds() - paused }

  /// Counts the op that has just run forward.
  ///
  /// - Returns: the number of its row, from 1.
  func didRun(_ op: StaticString, _ output: Tensor, _ inputs: Operands, multiplyAdds: Int) -> Int32
  {
    let end = now
    let row = place(of: op)
    table[row].forward.add(
      Totals(
        calls: 1, nanoseconds: end - mark, multiplyAdds: multiplyAdds,
        bytes: output.byteCount + inputs.bytes))
    // One product for the weights, one more where the gradient goes on.
    table[row].backward.add(
      Totals(
        multiplyAdds: inputs.firstTakesGradient ? 2 * multiplyAdds : multiplyAdds,
        bytes: output.byteCount + inputs.gradientBytes))
    mark = now
    return Int32(row + 1)
  }

  /// Counts the pullback of an op.
  ///
  /// - Parameter row: what ``didRun(_:_:_:multiplyAdds:)`` gave.
  func runBack(_ row: Int32, _ body: () throws -> Void) rethrows {
    let start = now
    try body()
    guard table.indices.contains(Int(row) - 1) else { return }
    table[Int(row) - 1].backward.add(Totals(calls: 1, nanoseconds: now - start))
  }

  private func place(of op: StaticString) -> Int {
    let key = Key(op: op.utf8Start, layer: layers.last ?? "")
    if let place = places[key] { return place }
    places[key] = table.count
    table.append(Row(op: String("\(op)".prefix { $0 != "(" }), layer: key.layer))
    return table.count - 1
  }
}

extension OpProfile.Totals {
  package mutating func add(_ other: Self) {
    calls += other.calls
    nanoseconds += other.nanoseconds
    multiplyAdds += other.multiplyAdds
    bytes += other.bytes
  }
}
