import DLCluster
import DLCore
import Foundation
import Synchronization
import Testing

private struct Broken: DLError, Equatable {
  let rank: Int
  var exitCode: ExitCode { .data }
  var description: String { "file \(rank): is broken" }
}

private enum Plain: Error { case oops }

/// What ranks agree on where a body fails; nil where it does not.
private func failure(_ body: () throws -> Void) -> RankFailure? {
  do { try body() } catch { return error as? RankFailure }
  return nil
}

@Suite(.serialized) struct FailureTests {
  @Test(arguments: [2, 3, 8]) func theOriginalErrorOfAFailedRankIsThrown(ranks: Int) throws {
    for failing in 0..<ranks {
      for round in 0..<20 {
        let peers = Atomic(0)
        #expect(throws: Broken(rank: failing)) {
          try ThreadGroup.run(ranks: ranks) { group in
            do {
              try group.barrier()
              if group.rank == failing { throw Broken(rank: failing) }
              var values = Array(repeating: Double(1), count: 3000)
              if round % 2 == 0 { try group.barrier() } else { try group.allreduceSum(&values) }
            } catch let error as ClusterError where error.isPeerFailure {
              peers.add(1, ordering: .relaxed)
              throw error
            }
          }
        }
        #expect(peers.load(ordering: .relaxed) == ranks - 1)
      }
    }
  }

  @Test func aRankThatReturnsEarlyEndsTheOthers() {
    #expect {
      try ThreadGroup.run(ranks: 4) { group in
        try group.barrier()
        if group.rank == 2 { return }
        try group.barrier()
      }
    } throws: { ($0 as? ClusterError)?.isPeerFailure == true }
  }

  @Test func failureReachesSubgroups() {
    #expect(throws: Broken(rank: 3)) {
      try ThreadGroup.run(ranks: 4) { group in
        let pair = try group.split(color: group.rank / 2, key: 0)
        if group.rank == 3 { throw Broken(rank: 3) }
        while true {
          var values = Array(repeating: Float(1), count: 500)
          try pair.allreduceSum(&values)
        }
      }
    }
  }

  @Test func agreedPassesValuesOn() throws {
    let values = try ThreadGroup.run(ranks: 3) { group in try group.agreed("read") { group.rank } }
    #expect(values == [0, 1, 2])
    #expect(try SingleRank().agreed("read") { 5 } == 5)
  }

  @Test(arguments: [[0], [2], [1, 3], [0, 1, 2, 3]]) func agreedThrowsTheSame(failing: [Int]) throws
  {
    let failures = try ThreadGroup.run(ranks: 4) { group in
      do {
        try group.agreed("read") {
          if failing.contains(group.rank) { throw Broken(rank: group.rank) }
        }
      } catch let failure as RankFailure {
        try group.barrier()
        return failure
      }
      return RankFailure(rank: -1, exitCode: .success, message: "")
    }
    let first = failing[0]
    let expected = RankFailure(
      rank: first, exitCode: .data, message: "file \(first): is broken (rank \(first))")
    #expect(failures == Array(repeating: expected, count: 4))
  }

  @Test func agreedClassifiesForeignErrors() {
    #expect(throws: RankFailure(rank: 0, exitCode: .fault, message: "start: oops")) {
      try SingleRank().agreed("start") { throw Plain.oops }
    }
    #expect {
      try SingleRank().agreed("open") { throw POSIXError(.ENOSPC) }
    } throws: { ($0 as? RankFailure)?.exitCode == .io }
  }

  @Test func agreedKeepsAFailureThatWasAgreedWithin() {
    #expect(throws: RankFailure(rank: 1, exitCode: .data, message: "file 1: is broken (rank 1)")) {
      try ThreadGroup.run(ranks: 3) { group in
        try group.agreed("outer") {
          try group.agreed("inner") { if group.rank == 1 { throw Broken(rank: 1) } }
        }
      }
    }
  }

  /// What each rank throws: a line and its exit code; nil for nothing.
  private struct Told: DLError {
    let description: String
    var exitCode = ExitCode.data
  }

  /// The lowest rank's line is told, and which rank it was unless all have the same line and code.
  @Test(
    arguments: [
      (["a", "a", "a", "a"], [65, 65, 65, 65], 0, "a"),
      (["a", "b", "b", "b"], [65, 65, 65, 65], 0, "a (rank 0)"),
      ([nil, "b", "a", "b"], [65, 65, 65, 65], 1, "b (rank 1)"),
      ([nil, nil, "a", "a"], [65, 65, 65, 65], 2, "a (rank 2)"),
      (["a", "a", "a", nil], [65, 65, 65, 65], 0, "a (rank 0)"),
      (["a", "a", "a", "a"], [74, 65, 65, 65], 0, "a (rank 0)"),
      (["a\u{301}", "\u{e1}", "\u{e1}", "\u{e1}"], [65, 65, 65, 65], 0, "a\u{301} (rank 0)"),
    ] as [([String?], [Int32], Int, String)])
  func agreedTellsTheLowestRanksLine(
    lines: [String?], codes: [Int32], rank: Int, message: String
  ) throws {
    let failures = try ThreadGroup.run(ranks: 4) { group in
      failure {
        try group.agreed("read") {
          guard let line = lines[group.rank] else { return }
          throw Told(description: line, exitCode: ExitCode(rawValue: codes[group.rank]) ?? .fault)
        }
      }
    }
    let code = try #require(ExitCode(rawValue: codes[rank]))
    #expect(failures.count == 4)
    for failure in failures {
      #expect(failure?.rank == rank && failure?.exitCode == code)
      // As bytes: equal strings may be written in two ways.
      #expect(failure.map { Array($0.message.utf8) } == Array(message.utf8))
    }
  }

  /// A line that a group within has agreed on keeps its words, whichever ranks of the whole fail.
  @Test func agreedAddsNoSecondRank() throws {
    let failures = try ThreadGroup.run(ranks: 4) { group in
      let pair = try group.split(color: group.rank / 2, key: 0)
      return failure {
        try group.agreed("outer") {
          try pair.agreed("inner") { if group.rank == 3 { throw Broken(rank: 3) } }
        }
      }
    }
    #expect(failures.map(\.?.message) == Array(repeating: "file 3: is broken (rank 1)", count: 4))
  }
}
