import DLCluster
import DLCore
import Testing

@Suite struct TimelineTests {
  @Test func aFullTrackHoldsTheNewestSpansInOrder() {
    let track = Track("compute", capacity: 5)
    #expect(track.count == 0)
    for index in 0..<21 {
      track.record(TimeSpan(.forward, from: index, to: index + 1, detail: 100 + index))
    }
    #expect(track.recorded == 21)
    #expect(track.count == 8)
    #expect((0..<8).map { track[$0].start } == Array(13..<21))
    #expect(track[7].detail == 120)
    #expect(track[7].activity == .forward)
  }

  @Test func everyMomentCountsForTheInnermostActivity() throws {
    let track = Track("compute", capacity: 16)
    let clock = ActivityClock(track: track)
    clock.restart()
    clock.measure(.step) {
      clock.measure(.forward) {
        clock.measure(.syncBatchNorm) { spin(300_000) }
        spin(100_000)
      }
      clock.measure(.backward) { spin(200_000) }
    }
    let sum = Activity.allCases.reduce(0) { $0 + clock.seconds($1) }
    #expect(abs(sum - clock.elapsed) < 1e-12)
    #expect(clock.seconds(.syncBatchNorm) >= 300e-6)
    #expect(clock.seconds(.forward) >= 100e-6)
    #expect(clock.seconds(.backward) >= 200e-6)
    #expect(clock.current == .other)
    // Inner spans end first.
    let spans = (0..<track.count).map { track[$0] }
    #expect(spans.map(\.activity) == [.syncBatchNorm, .forward, .backward, .step])
    #expect(spans[0].start >= spans[1].start && spans[0].end <= spans[1].end)
    #expect(spans[1].start >= spans[3].start && spans[2].end <= spans[3].end)
    clock.restart()
    #expect(Activity.allCases.allSatisfy { clock.seconds($0) == 0 })
  }

  @Test func anErrorEndsItsActivity() {
    struct Failure: Error {}
    let clock = ActivityClock()
    #expect(throws: Failure.self) { try clock.measure(.reduction) { throw Failure() } }
    #expect(clock.current == .other)
  }

  @Test(arguments: [1, 2, 3, 5])
  func clocksApartAreFoundWithinTheirUncertainty(ranks: Int) throws {
    // Rank r's clock is r * 7 s ahead, and in the second measurement another r * 1 ms.
    let results = try ThreadGroup.run(ranks: ranks) { communicator in
      let rank = communicator.rank
      let first = try ClockOffsets(communicator) { monotonicNanoseconds() + rank * 7_000_000_000 }
      let second = try ClockOffsets(communicator) { monotonicNanoseconds() + rank * 7_001_000_000 }
      return (first, second)
    }
    for (first, second) in results {
      #expect(first.nanoseconds == results[0].0.nanoseconds)
      for rank in 0..<ranks {
        #expect(abs(first.nanoseconds[rank] - rank * 7_000_000_000) <= first.uncertainties[rank])
        #expect(abs(second.nanoseconds[rank] - rank * 7_001_000_000) <= second.uncertainties[rank])
        // Alignment turns the readings of both moments into rank 0's.
        for (offsets, time) in [(first, first.times[rank]), (second, second.times[rank])] {
          let aligned = first.aligned(time, rank: rank, until: second)
          #expect(abs(aligned - (time - offsets.nanoseconds[rank])) <= 1)
        }
      }
    }
  }

  @Test func ranksOfOneClockAreNotMoved() throws {
    let results = try ThreadGroup.run(ranks: 4) { try ClockOffsets($0) }
    #expect(results.allSatisfy { $0.nanoseconds == [0, 0, 0, 0] })
  }

  private func spin(_ nanoseconds: Int) {
    let start = monotonicNanoseconds()
    while monotonicNanoseconds() - start < nanoseconds {}
  }
}
