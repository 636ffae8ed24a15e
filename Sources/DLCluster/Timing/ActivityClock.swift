import DLCore

/// Tells what a rank's time is spent on: every moment counts for one activity, the innermost.
///
/// Used by the rank's thread alone; allocates nothing once it is made.
package final class ActivityClock {
  /// The rank's present activity.
  package private(set) var current = Activity.other
  private let track: Track?
  private let progress: RankProgress?
  private let totals: UnsafeMutableBufferPointer<Int>
  private var restarted: Int
  private var mark: Int

  /// Starts the clock.
  ///
  /// - Parameters:
  ///   - track: takes a span for each measured activity; nil to count time alone.
  ///   - progress: told of every change of activity.
  package init(track: Track? = nil, progress: RankProgress? = nil) {
    self.track = track
    self.progress = progress
    totals = .allocate(capacity: Activity.allCases.count)
    totals.initialize(repeating: 0)
    restarted = monotonicNanoseconds()
    mark = restarted
  }

  deinit { totals.deallocate() }

  /// Counts the time of `body` for an activity, but for what is measured within it.
  ///
  /// - Throws: what `body` throws.
  package func measure<R>(
    _ activity: Activity, detail: Int = 0, _ body: () throws -> R
  ) rethrows -> R {
    let outer = current
    let start = turn(to: activity)
    defer {
      let end = turn(to: outer)
      track?.record(TimeSpan(activity, from: start, to: end, detail: detail))
    }
    return try body()
  }

  /// Sets all times to zero.
  package func restart() {
    restarted = turn(to: current)
    totals.update(repeating: 0)
  }

  /// Seconds since the last restart that were spent on an activity itself.
  ///
  /// The activity at hand is counted up to its last change.
  package func seconds(_ activity: Activity) -> Double {
    Double(totals[Int(activity.rawValue)]) * 1e-9
  }

  /// Seconds from the last restart to the last change of activity.
  package var elapsed: Double { Double(mark - restarted) * 1e-9 }

  private func turn(to activity: Activity) -> Int {
    let now = monotonicNanoseconds()
    totals[Int(current.rawValue)] += now - mark
    mark = now
    current = activity
    progress?.turn(to: activity)
    return now
  }
}
