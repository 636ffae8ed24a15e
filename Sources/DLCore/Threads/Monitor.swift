import Glibc

/// A value that threads use one at a time, and may wait for (Hoare 1974).
///
/// The mutex is a POSIX one, which ThreadSanitizer understands; it does not see the standard
/// library's `Mutex` on Linux and reports what that guards.
package final class Monitor<Value>: @unchecked Sendable {
  private var value: Value
  private let mutex: UnsafeMutablePointer<pthread_mutex_t>
  private let changed: UnsafeMutablePointer<pthread_cond_t>

  /// Takes over a value.
  package init(_ value: Value) {
    self.value = value
    mutex = .allocate(capacity: 1)
    mutex.initialize(to: pthread_mutex_t())
    pthread_mutex_init(mutex, nil)
    changed = .allocate(capacity: 1)
    changed.initialize(to: pthread_cond_t())
    var attributes = pthread_condattr_t()
    pthread_condattr_init(&attributes)
    pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC)
    pthread_cond_init(changed, &attributes)
    pthread_condattr_destroy(&attributes)
  }

  deinit {
    pthread_cond_destroy(changed)
    changed.deallocate()
    pthread_mutex_destroy(mutex)
    mutex.deallocate()
  }

  /// Uses the value, and wakes those who wait for it to change.
  ///
  /// - Throws: what `body` throws.
  package func withLock<R>(_ body: (inout Value) throws -> R) rethrows -> R {
    try wait(until: { _ in true }, body)
  }

  /// Waits until the condition holds, or for as many seconds, then does as ``withLock(_:)``.
  ///
  /// - Throws: what `body` throws.
  package func wait<R>(
    until condition: (Value) -> Bool, atMost seconds: Double? = nil,
    _ body: (inout Value) throws -> R
  ) rethrows -> R {
    pthread_mutex_lock(mutex)
    defer {
      pthread_cond_broadcast(changed)
      pthread_mutex_unlock(mutex)
    }
    var deadline: timespec?
    while !condition(value) {
      guard let seconds else {
        pthread_cond_wait(changed, mutex)
        continue
      }
      var end = deadline ?? Monitor.time(in: seconds)
      deadline = end
      if pthread_cond_timedwait(changed, mutex, &end) == ETIMEDOUT { break }
    }
    return try body(&value)
  }

  private static func time(in seconds: Double) -> timespec {
    var time = timespec()
    clock_gettime(CLOCK_MONOTONIC, &time)
    let nanoseconds = Int(seconds * 1e9) + time.tv_nsec
    time.tv_sec += nanoseconds / 1_000_000_000
    time.tv_nsec = nanoseconds % 1_000_000_000
    return time
  }
}
