import DLCluster
import Testing

@Suite struct ReductionTreeTests {
  @Test(arguments: 1...33) func textOfTheTreeFollowsTheRule(leaves: Int) {
    func spell(_ low: Int, _ high: Int) -> String {
      if high - low == 1 { return "\(low)" }
      var left = 1
      while left * 2 < high - low { left *= 2 }
      return "(\(spell(low, low + left))+\(spell(low + left, high)))"
    }
    let tree = ReductionTree(leaves: leaves)
    #expect(tree.reduce((0..<leaves).map { "\($0)" }) { "(\($0)+\($1))" } == spell(0, leaves))
  }

  @Test(arguments: [1, 2, 3, 5, 6, 7, 12, 16, 31, 64])
  func planOverSubtreesHasTheBitsOfTheWhole(leaves: Int) {
    let tree = ReductionTree(leaves: leaves)
    let values = (0..<leaves).map { value($0, 5) }
    func run(_ plan: ReductionPlan, _ inputs: [Float]) -> UInt32 {
      var inputs = inputs
      var result = Float.nan
      inputs.withUnsafeMutableBufferPointer { inputs in
        let sources = (0..<inputs.count).map {
          UnsafeRawPointer(inputs.baseAddress! + $0) as UnsafeRawPointer?
        }
        withUnsafeMutablePointer(to: &result) { result in
          sources.withUnsafeBufferPointer { sources in
            let destinations = [UnsafeMutableRawPointer(result) as UnsafeMutableRawPointer?]
            destinations.withUnsafeBufferPointer {
              plan.run(.float32, sources: sources.baseAddress!, destinations: $0, range: 0..<1)
            }
          }
        }
      }
      return result.bitPattern
    }
    let whole = expected(values[...]).bitPattern
    #expect(run(tree.plan(), values) == whole)
    for parts in 1...leaves {
      var nodes: [Range<Int>] = []
      for part in 0..<parts {
        let range = part * leaves / parts..<(part + 1) * leaves / parts
        let inside = tree.subtrees(in: range)
        #expect(inside.flatMap { Array($0) } == Array(range))
        nodes += inside
      }
      #expect(run(tree.plan(nodes), nodes.map { expected(values[$0]) }) == whole)
    }
  }

  @Test func maximalSubtrees() {
    let tree = ReductionTree(leaves: 6)
    #expect(tree.subtrees(in: 0..<6) == [0..<6])
    #expect(tree.subtrees(in: 0..<3) == [0..<2, 2..<3])
    #expect(tree.subtrees(in: 3..<6) == [3..<4, 4..<6])
    #expect(tree.subtrees(in: 1..<5) == [1..<2, 2..<4, 4..<5])
    #expect(tree.subtrees(in: 2..<2) == [])
  }
}
