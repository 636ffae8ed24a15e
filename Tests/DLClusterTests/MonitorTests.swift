import DLCluster
import DLCore
import Testing

@Suite struct MonitorTests {
  /// Two threads hand a number to and fro; each waits for its turn.
  @Test func threadsTakeTurns() throws {
    let turn = Monitor((count: 0, order: [Int]()))
    let threads = try (0..<2).map { own in
      try SystemThread("turn-\(own)") {
        for _ in 0..<1000 {
          turn.wait(until: { $0.count % 2 == own }) {
            $0.count += 1
            $0.order.append(own)
          }
        }
      }
    }
    threads.forEach { $0.join() }
    let order = turn.withLock { $0.order }
    #expect(order == (0..<2000).map { $0 % 2 })
  }

  @Test func aWaitThatIsTooLongEndsWithTheValueAsItIs() {
    let value = Monitor(7)
    let found = value.wait(until: { $0 == 8 }, atMost: 0.01) { $0 }
    #expect(found == 7)
    #expect(value.wait(until: { $0 == 7 }, atMost: 1000) { $0 } == 7)
  }

  @Test func whatABodyThrowsLeavesItUsable() {
    struct Fault: Error {}
    let value = Monitor(1)
    #expect(throws: Fault.self) {
      try value.withLock { (value: inout Int) throws in
        value = 2
        throw Fault()
      }
    }
    #expect(value.withLock { $0 } == 2)
  }
}
