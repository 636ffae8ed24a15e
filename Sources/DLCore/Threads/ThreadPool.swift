/// Threads that share the pieces of one piece of work after another, beside the thread that hands it
/// out.
///
/// To be used by one thread, which calls ``end()`` at last.
package final class ThreadPool: @unchecked Sendable {
  private struct Work {
    var body: ((_ piece: Int, _ lane: Int) throws -> Void)?
    var count = 0
    var next = 0
    var busy = 0
    var failure: (piece: Int, error: any Error)?
    var isEnding = false

    var hasPiece: Bool { next < count && failure == nil }
  }

  /// The number of threads, that which hands the work out among them.
  package let lanes: Int
  private let work = Monitor(Work())
  private var threads: [SystemThread] = []

  /// Starts `lanes - 1` threads.
  ///
  /// - Parameter name: what tools show, 10 bytes at most.
  /// - Throws: ``ThreadError`` where the system refuses one.
  package init(_ name: String, lanes: Int, purpose: String = "") throws {
    self.lanes = max(lanes, 1)
    for lane in 1..<self.lanes {
      do {
        // The threads keep this object until `end`.
        threads.append(try SystemThread("\(name):\(lane)") { self.run(lane) })
      } catch {
        end()
        throw ThreadError(name, purpose)
      }
    }
  }

  /// Does pieces 0 ..< count, several at once, each by one of the lanes, and returns when all are done.
  ///
  /// - Parameter body: does a piece; called from all threads.
  /// - Throws: what the first piece that failed threw, whichever came first in time; pieces behind it
  ///   may not have been done.
  package func each(_ count: Int, _ body: (_ piece: Int, _ lane: Int) throws -> Void) throws {
    try withoutActuallyEscaping(body) { body in
      work.withLock {
        ($0.body, $0.count, $0.next, $0.failure) = (body, count, 0, nil)
      }
      while step(lane: 0) {}
      let failure = work.wait(until: { $0.busy == 0 && !$0.hasPiece }) { work in
        defer { (work.body, work.count, work.failure) = (nil, 0, nil) }
        return work.failure
      }
      if let failure { throw failure.error }
    }
  }

  /// Ends the threads after the pieces that they have; safe to call twice.
  package func end() {
    work.withLock { $0.isEnding = true }
    for thread in threads { thread.join() }
    threads = []
  }

  private func run(_ lane: Int) {
    while true {
      let isOver = work.wait(until: { $0.hasPiece || $0.isEnding }) { $0.isEnding }
      if isOver { return }
      while step(lane: lane) {}
    }
  }

  /// Does one piece; false where none is left.
  private func step(lane: Int) -> Bool {
    let taken = work.withLock { work -> Int? in
      guard work.hasPiece else { return nil }
      defer {
        work.next += 1
        work.busy += 1
      }
      return work.next
    }
    guard let taken else { return false }
    // Pieces are handed out in their order, so all before one that fails are done.
    let result = perform(taken, lane: lane)
    work.withLock { work in
      work.busy -= 1
      if case .failure(let error) = result, work.failure.map({ taken < $0.piece }) ?? true {
        work.failure = (taken, error)
      }
    }
    return true
  }

  /// Does a piece, and lets the body go before the piece counts as done: no thread may hold it once
  /// ``each(_:_:)`` returns.
  private func perform(_ piece: Int, lane: Int) -> Result<Void, any Error> {
    let body = work.withLock { $0.body }
    return Result { try body?(piece, lane) }
  }
}
