import Glibc

/// Nanoseconds on a clock that never goes back, from an origin of the host's own.
package func monotonicNanoseconds() -> Int {
  var time = timespec()
  clock_gettime(CLOCK_MONOTONIC, &time)
  return Int(time.tv_sec) * 1_000_000_000 + Int(time.tv_nsec)
}

/// Seconds on a clock that never goes back.
package func monotonicSeconds() -> Double { Double(monotonicNanoseconds()) * 1e-9 }
