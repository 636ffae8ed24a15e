import DLCluster
import Testing

@Suite(.serialized) struct ThreadGroupTests {
  static let sizes = [1, 2, 3, 4, 5, 8]

  @Test(arguments: sizes, [0, 1, 7, 1000, 100_003])
  func allreduceHasTheBitsOfTheTree(ranks: Int, count: Int) throws {
    let bits = try ThreadGroup.run(ranks: ranks) { group in
      var single = (0..<count).map { value(group.rank, $0) }
      try group.allreduceSum(&single)
      var double = (0..<count).map { Double(value(group.rank, $0)) / 3 }
      try group.allreduceSum(&double)
      return (single.map(\.bitPattern), double.map(\.bitPattern))
    }
    let (single, double) = (expectedBits(ranks, count), expectedBits64(ranks, count))
    for rank in bits {
      #expect(rank.0 == single)
      #expect(rank.1 == double)
    }
  }

  @Test(arguments: sizes) func movesBytes(ranks: Int) throws {
    try ThreadGroup.run(ranks: ranks) { group in
      #expect(group.size == ranks)
      let gathered = try group.allgather([group.rank, group.rank * group.rank])
      #expect(gathered == (0..<ranks).flatMap { [$0, $0 * $0] })
      #expect(try group.allgather([Int]()) == [])
      for root in 0..<ranks {
        #expect(try group.broadcast("from \(group.rank)", root: root) == "from \(root)")
      }
      try group.barrier()
      #expect(try group.sum(group.rank + 1) == ranks * (ranks + 1) / 2)
      #expect(try group.sum(0.5) == Double(ranks) / 2)
    }
  }

  @Test(arguments: sizes) func splitsByColorAndKey(ranks: Int) throws {
    try ThreadGroup.run(ranks: ranks) { group in
      let part = try group.split(color: group.rank % 2, key: -group.rank)
      let members = try part.allgather([group.rank])
      #expect(members == (0..<ranks).filter { $0 % 2 == group.rank % 2 }.reversed())
      #expect(members[part.rank] == group.rank)
      let again = try part.split(color: 7, key: part.rank)
      var sum = [Float(group.rank)]
      try again.allreduceSum(&sum)
      #expect(sum[0] == Float(members.reduce(0, +)))
      try group.barrier()
    }
  }

  @Test func manySmallCollectives() throws {
    try ThreadGroup.run(ranks: 5) { group in
      for round in 0..<2000 {
        var values = [Float(round), Float(group.rank)]
        try group.allreduceSum(&values)
        let isRight = values == [Float(5 * round), 10]
        let all = try group.allgather([Int32(round + group.rank)])
        if round % 3 == 0 { try group.barrier() }
        if !isRight || all != (0..<5).map({ Int32(round + $0) }) {
          Issue.record("round \(round) on rank \(group.rank): \(values) \(all)")
          return
        }
      }
    }
  }

  @Test func differentCallsAreAnErrorOnEveryRank() throws {
    #expect {
      try ThreadGroup.run(ranks: 3) { group in
        var values = Array(repeating: Float(1), count: group.rank == 1 ? 4 : 5)
        try group.allreduceSum(&values)
      }
    } throws: { error in
      if case ClusterError.mismatch = error { true } else { false }
    }
    #expect(throws: ClusterError.self) {
      try ThreadGroup.run(ranks: 2) { group in
        if group.rank == 0 { try group.barrier() } else { _ = try group.sum(1) }
      }
    }
  }

  @Test func sizesThatCannotBe() {
    #expect(throws: ClusterError.self) { try ThreadGroup.run(ranks: 0) { _ in } }
    #expect(throws: ClusterError.self) { try ThreadGroup.run(ranks: 5000) { _ in } }
    #expect(throws: ClusterError.self) {
      try ThreadGroup.run(ranks: 2) { try $0.broadcast("x", root: 2) }
    }
  }
}
