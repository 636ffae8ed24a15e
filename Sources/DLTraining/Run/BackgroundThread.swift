import CKernels
import DLCluster
import Glibc

/// A thread that runs jobs one after another, and something else at an interval between them.
final class BackgroundThread: @unchecked Sendable {
  typealias Job = @Sendable () -> Void

  private let name: String
  private let interval: (seconds: Double, tick: Job)?
  private let mutex: UnsafeMutablePointer<pthread_mutex_t>
  private let changed: UnsafeMutablePointer<pthread_cond_t>
  private var thread: SystemThread?
  // Under the mutex.
  private var job: Job?
  private var isBusy = false
  private var isEnding = false

  /// Starts the thread.
  ///
  /// - Parameters:
  ///   - name: what tools show, 10 bytes at most; `:busy` is added during a job.
  ///   - interval: what to do between jobs, and how often.
  /// - Throws: `ClusterError` where the system refuses a thread.
  init(_ name: String, every interval: (seconds: Double, tick: Job)? = nil) throws {
    self.name = name
    self.interval = interval
    mutex = .allocate(capacity: 1)
    changed = .allocate(capacity: 1)
    mutex.initialize(to: pthread_mutex_t())
    changed.initialize(to: pthread_cond_t())
    pthread_mutex_init(mutex, nil)
    var attributes = pthread_condattr_t()
    pthread_condattr_init(&attributes)
    pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC)
    pthread_cond_init(changed, &attributes)
    pthread_condattr_destroy(&attributes)
    // The thread keeps this object until `end`, which every owner calls.
    thread = try SystemThread(name) { self.run() }
  }

  deinit {
    pthread_cond_destroy(changed)
    pthread_mutex_destroy(mutex)
    changed.deallocate()
    mutex.deallocate()
  }

  /// Hands over the next job once the one before it is done.
  func submit(_ job: @escaping Job) {
    locked {
      while self.job != nil || isBusy { pthread_cond_wait(changed, mutex) }
      self.job = job
    }
  }

  /// Returns when no job is left.
  func wait() {
    locked { while job != nil || isBusy { pthread_cond_wait(changed, mutex) } }
  }

  /// Ends the thread after the job that it has; safe to call twice.
  func end() {
    guard let thread else { return }
    self.thread = nil
    locked { isEnding = true }
    thread.join()
  }

  private func locked(_ body: () -> Void) {
    pthread_mutex_lock(mutex)
    body()
    pthread_cond_broadcast(changed)
    pthread_mutex_unlock(mutex)
  }

  private func run() {
    while true {
      var next: Job?
      var isOver = false
      locked {
        isBusy = false
        pthread_cond_broadcast(changed)
        if job == nil, !isEnding { pause() }
        next = job
        job = nil
        isBusy = next != nil
        isOver = next == nil && isEnding
      }
      if isOver { return }
      if let next {
        dl_thread_name(name + ":busy")
        next()
        dl_thread_name(name)
      } else {
        interval?.tick()
      }
    }
  }

  /// Waits for a job or the end, or until it is time for the next tick.
  private func pause() {
    guard let interval else {
      while job == nil, !isEnding { pthread_cond_wait(changed, mutex) }
      return
    }
    var until = timespec()
    clock_gettime(CLOCK_MONOTONIC, &until)
    let nanoseconds = Int(interval.seconds * 1e9) + until.tv_nsec
    until.tv_sec += nanoseconds / 1_000_000_000
    until.tv_nsec = nanoseconds % 1_000_000_000
    while job == nil, !isEnding, pthread_cond_timedwait(changed, mutex, &until) != ETIMEDOUT {}
  }
}
