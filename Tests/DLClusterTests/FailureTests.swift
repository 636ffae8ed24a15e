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
}
