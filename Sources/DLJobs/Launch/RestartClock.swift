import DLCluster
import DLCore
import Glibc

/// The cost of a restart, as far as the run folder shows it: how long after the last sign of life
/// the end of the job was noticed, and how long it takes from there to the first new step.
///
/// A start renews the lease, then loads the checkpoint, then writes `config.yaml`, and notes its
/// first step in `metrics.jsonl` at once.
struct RestartClock {
  private let folder: String
  private let number: Int
  private let noticed = monotonicSeconds()
  /// Seconds from the last noted step to the notice; nil where there was none.
  private let silence: Double?
  private let oldLease: FileMark?
  private let oldConfiguration: FileMark?
  private var leased: Double?
  private var loaded: Double?
  private var length: Int?

  /// Starts when the end of a job is noticed.
  ///
  /// - Parameter number: the restart's, counted from 1.
  init(folder: String, number: Int) {
    self.folder = folder
    self.number = number
    oldLease = FileMark(folder + "/.lease")
    oldConfiguration = FileMark(folder + "/config.yaml")
    silence = FileMark(folder + "/metrics.jsonl").map { mark in
      var now = timespec()
      clock_gettime(CLOCK_REALTIME, &now)
      return max(Double(now.tv_sec) + Double(now.tv_nsec) * 1e-9 - mark.modified, 0)
    }
  }

  /// Looks at the folder; what it came to, once the first new step is there.
  mutating func look() -> String? {
    let now = monotonicSeconds()
    if leased == nil, FileMark(folder + "/.lease") != oldLease { leased = now }
    if loaded == nil {
      guard FileMark(folder + "/config.yaml") != oldConfiguration else { return nil }
      loaded = now
    }
    guard let bytes = FileMark(folder + "/metrics.jsonl")?.byteCount else { return nil }
    defer { length = bytes }
    // The start cuts the file back to the checkpoint before it adds to it.
    guard let length, bytes > length, let loaded else { return nil }
    let noticedAfter = silence.map {
      "noticed \(Format.significant($0, 2)) s after the last step that was noted, "
    }
    let loading = leased.map { ", \(Format.significant(loaded - $0, 2)) s of it loading" } ?? ""
    return
      "restart \(number): \(noticedAfter ?? "")first new step \(Format.significant(now - noticed, 2)) "
      + "s later\(loading)"
  }
}
