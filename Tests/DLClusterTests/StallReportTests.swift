import DLCluster
import DLTestSupport
import Testing

/// What is said of ranks that do not go on, and what a rank shows of itself.
@Suite
struct StallReportTests {
  private let waiting = RankState(arrivals: 9, step: 3, activity: .agreement, call: .allgather)

  @Test func theRanksThatDidNotArriveAreNamedWithTheirPlace() {
    let late = RankState(arrivals: 8, step: 3, activity: .forward)
    let still = StallReport([waiting, late, waiting, waiting])
    #expect(still.missing == [1])
    #expect(
      still.text { "process \(100 + $0) on a" }
        == "waited for: rank 1 (process 101 on a) in the forward pass, step 3; waiting: "
        + "ranks 0, 2 and 3 in an agreement, step 3 (allgather)")
  }

  @Test func ranksInDifferentPlacesAreToldApart() {
    let loading = RankState(arrivals: 7, step: 3, activity: .dataWait)
    let still = StallReport([
      loading, waiting, RankState(arrivals: 8, step: 3, activity: .backward), loading,
    ])
    #expect(still.missing == [0, 2, 3])
    #expect(
      still.text()
        == "waited for: ranks 0 and 3 in the loading of rows, step 3, rank 2 in the backward pass, "
        + "step 3; waiting: rank 1 in an agreement, step 3 (allgather)")
  }

  @Test func ranksThatAllHangInTheSameCallAreListed() {
    let still = StallReport(Array(repeating: waiting, count: 5))
    #expect(still.missing.isEmpty)
    #expect(
      still.text()
        == "no rank is ahead of the others: ranks 0 to 4 in an agreement, step 3 (allgather)")
  }

  @Test func aBoardShowsWhatRanksDo() throws {
    let board = try ProgressTable(threads: 2)
    let rank = board.progress(of: 1)
    #expect(board.total == 0)
    rank.step = 5
    let clock = ActivityClock(progress: rank)
    clock.measure(.backward) {
      #expect(board.state(of: 1).activity == .backward)
      rank.enter(.allreduce)
      #expect(board.state(of: 1).call == .allreduce)
      #expect(board.state(of: 1).arrivals == 1)
      rank.leave()
    }
    #expect(board.state(of: 1).step == 5)
    #expect(board.state(of: 1).activity == .other)
    #expect(board.state(of: 0) == RankState())
    var seen = board.total
    for sign in [rank.heartbeat, rank.mark, rank.arrive] {
      sign()
      #expect(board.total == seen + 1)
      seen = board.total
    }
  }

  @Test func anEndIsSeenByAll() throws {
    let board = try ProgressTable(threads: 1)
    #expect(!board.isEnded)
    board.end()
    #expect(board.isEnded)
    #expect(board.total == 0)
  }

  @Test func aStandstillIsClaimedOnce() throws {
    let board = try ProgressTable(threads: 1)
    #expect(board.claim(0))
    #expect(!board.claim(0))
    board.progress(of: 0).heartbeat()
    #expect(board.claim(board.total))
    #expect(!board.claim(board.total))
  }
}
