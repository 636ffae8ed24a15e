import CKernels
import DLCore

/// The sums, in tree order, that make the root of a ``ReductionTree`` from some of its subtrees.
package final class ReductionPlan: Sendable {
  /// The number of buffers that are summed.
  package let sourceCount: Int
  private let steps: [dl_sum_step]

  private indirect enum Node {
    case source(Int)
    case sum(Node, Node)
  }

  init(tree: ReductionTree, subtrees: [Range<Int>]) {
    var next = 0
    func node(_ range: Range<Int>) -> Node {
      precondition(next < subtrees.count, "the subtrees do not cover the tree")
      if subtrees[next] == range {
        next += 1
        return .source(next - 1)
      }
      precondition(range.count > 1, "\(subtrees[next]) is no subtree of \(tree)")
      let middle = range.lowerBound + ReductionTree.leftCount(range.count)
      let left = node(range.lowerBound..<middle)
      return .sum(left, node(middle..<range.upperBound))
    }
    let root = node(0..<tree.leaves)
    precondition(next == subtrees.count, "the subtrees exceed the tree")

    var steps: [dl_sum_step] = []
    let count = subtrees.count
    // `depth` temporaries are in use; `target` nil is the result.
    func emit(_ left: Node, _ right: Node, into target: Int?, depth: Int) {
      var depth = depth
      func operand(_ node: Node) -> Int32 {
        switch node {
        case .source(let index): return Int32(index)
        case .sum(let left, let right):
          let temporary = depth
          precondition(temporary < DL_SUM_TEMPORARIES, "the tree is too deep")
          depth += 1
          emit(left, right, into: temporary, depth: depth)
          return Int32(count + temporary)
        }
      }
      let kind: dl_sum_kind
      let operands: [Int32]
      switch (left, right) {
      case (.sum(let a, let b), .sum(let c, let d)):
        kind = DL_SUM_4
        operands = [operand(a), operand(b), operand(c), operand(d)]
      case (.sum(let a, let b), _):
        kind = DL_SUM_3_LEFT
        operands = [operand(a), operand(b), operand(right)]
      case (_, .sum(let b, let c)):
        kind = DL_SUM_3_RIGHT
        operands = [operand(left), operand(b), operand(c)]
      default:
        kind = DL_SUM_2
        operands = [operand(left), operand(right)]
      }
      steps.append(
        dl_sum_step(
          kind: Int32(kind.rawValue), dst: target.map { Int32(count + $0) } ?? -1,
          a: operands[0], b: operands[1], c: operands.count > 2 ? operands[2] : operands[0],
          d: operands.count > 3 ? operands[3] : operands[0]))
    }
    if case .sum(let left, let right) = root { emit(left, right, into: nil, depth: 0) }
    self.steps = steps
    sourceCount = count
  }

  /// Sums elements `range` of the sources and writes the result at the same place of each
  /// destination.
  ///
  /// A destination may be one of the sources; otherwise buffers are disjoint.
  package func run(
    _ type: ElementType, sources: UnsafePointer<UnsafeRawPointer?>,
    destinations: UnsafeBufferPointer<UnsafeMutableRawPointer?>, range: Range<Int>
  ) {
    if range.isEmpty { return }
    steps.withUnsafeBufferPointer {
      dl_tree_sum(
        type == .float32 ? DL_F32 : DL_F64, $0.baseAddress, $0.count, sources, sourceCount,
        destinations.baseAddress, destinations.count, range.lowerBound, range.count)
    }
  }
}

/// Part `index` of `parts` of a range of elements, cut at multiples of 16 from its start.
func slice(of range: Range<Int>, parts: Int, index: Int) -> Range<Int> {
  let lines = (range.count + 15) / 16
  func bound(_ i: Int) -> Int { range.lowerBound + min(range.count, lines * i / parts * 16) }
  return bound(index)..<bound(index + 1)
}
