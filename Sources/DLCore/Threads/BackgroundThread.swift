import CSystem

/// A thread that runs jobs one after another, and something else at an interval between them.
package final class BackgroundThread: @unchecked Sendable {
  package typealias Job = @Sendable () -> Void

  private struct Work {
    var job: Job?
    var isBusy = false
    var isEnding = false
    var isDone: Bool { job == nil && !isBusy }
  }

  private let name: String
  private let interval: (seconds: Double, tick: Job)?
  private let work = Monitor(Work())
  private var thread: SystemThread?

  /// Starts the thread.
  ///
  /// - Parameters:
  ///   - name: what tools show, 10 bytes at most; `:busy` is added during a job.
  ///   - interval: what to do between jobs, and how often.
  /// - Throws: ``ThreadError`` where the system refuses a thread.
  package init(_ name: String, every interval: (seconds: Double, tick: Job)? = nil) throws {
    self.name = name
    self.interval = interval
    // The thread keeps this object until `end`, which every owner calls.
    do {
      thread = try SystemThread(name) { self.run() }
    } catch {
      throw ThreadError(name)
    }
  }

  /// Hands over the next job once the one before it is done.
  package func submit(_ job: @escaping Job) {
    work.wait(until: \.isDone) { $0.job = job }
  }

  /// Returns when no job is left.
  package func wait() {
    work.wait(until: \.isDone) { _ in }
  }

  /// Ends the thread after the job that it has; safe to call twice.
  package func end() {
    guard let thread else { return }
    self.thread = nil
    work.withLock { $0.isEnding = true }
    thread.join()
  }

  private func run() {
    while true {
      let (job, isOver) = work.wait(
        until: { $0.job != nil || $0.isEnding }, atMost: interval?.seconds
      ) { work in
        let job = work.job
        work.job = nil
        work.isBusy = job != nil
        return (job, job == nil && work.isEnding)
      }
      if isOver { return }
      guard let job else {
        interval?.tick()
        continue
      }
      dl_thread_name(name + ":busy")
      job()
      dl_thread_name(name)
      work.withLock { $0.isBusy = false }
    }
  }
}
