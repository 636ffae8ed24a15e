/// Tells when the gradients of some leaves are complete, while a backward pass still runs.
///
/// Each op notes the leaves among its inputs when it is recorded. The tape runs from its end, so the
/// uses of the op at hand are always the newest, and a leaf is complete when its first use has run.
/// Counterpart: the autograd hooks of `torch.nn.parallel.DistributedDataParallel`.
package final class GradientWatch {
  private let leaves: [Tensor]
  private let complete: (Int) throws -> Void
  /// Uses of each leaf that have not run back.
  private var openUses: [Int32]
  /// The leaves of all uses on the tape, oldest first.
  private var uses: [Int32] = []
  private let first: Int

  /// Watches leaves with gradients of their own.
  ///
  /// - Parameters:
  ///   - first: the number of the first leaf; the others follow. A tensor that several watches have
  ///     is known to all by one number.
  ///   - complete: takes the number of each leaf in each backward pass once; a leaf that no op used
  ///     comes first.
  package init(_ leaves: [Tensor], first: Int, complete: @escaping (Int) throws -> Void) {
    self.leaves = leaves
    self.first = first
    self.complete = complete
    openUses = [Int32](repeating: 0, count: leaves.count)
    for (index, leaf) in leaves.enumerated() { leaf.leaf = Int32(first + index) }
  }

  /// Starts a pass: to be called before its forward part.
  package func start() {
    uses.removeAll(keepingCapacity: true)
    for index in openUses.indices { openUses[index] = 0 }
  }

  /// Counts an input of an op that is being recorded, if it is watched.
  func note(_ input: Tensor) -> Bool {
    let index = Int(input.leaf) - first
    guard openUses.indices.contains(index) else { return false }
    openUses[index] += 1
    uses.append(Int32(index))
    return true
  }

  /// Declares the leaves that nothing used.
  func willRunBack() throws {
    for index in openUses.indices where openUses[index] == 0 { try finish(index) }
  }

  /// Takes the newest uses back, whose op has run.
  func didRunBack(_ count: Int) throws {
    for _ in 0..<count {
      guard let index = uses.popLast().map(Int.init) else { return }
      openUses[index] -= 1
      if openUses[index] == 0 { try finish(index) }
    }
  }

  private func finish(_ index: Int) throws {
    leaves[index].isGradientComplete = true
    try complete(first + index)
  }
}
