import DLCore
import DLFormats

/// Looks in the run folder for what a process of one start has left of the job's end.
final class EndWatch {
  /// The supervisor's name for the start.
  let launch: String
  private let folder: String
  private var found: EndFile?
  private var next = 0.0
  /// Seconds between two looks.
  private static let everySeconds = 0.25

  init(folder: String, launch: String) {
    self.folder = folder
    self.launch = launch
  }

  /// Looks now and then.
  func look() -> EndFile? {
    let now = monotonicSeconds()
    if found == nil, now >= next {
      next = now + EndWatch.everySeconds
      read()
    }
    return found
  }

  /// Looks for the last time, after the job's end.
  func last() -> EndFile? {
    // A file system of several hosts remembers for a while that a file is not there, but not
    // across the listing of its folder.
    _ = try? File.list(folder)
    if found == nil { read() }
    return found
  }

  private func read() {
    guard let end = EndFile.read(folder), end.launch == launch else { return }
    found = end
  }
}
