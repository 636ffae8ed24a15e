import CSystem
import DLCore
import DLFormats

/// The work that a rank is doing, shown behind the name of its thread or process: `ps -L -o comm`,
/// `top -H`.
enum RunPhase: String {
  case start, step, eval, save, end

  /// Shows the phase: `dltrain:step`, `rank 3:eval`.
  func publish() {
    let name = File.systemText("/proc/thread-self/comm") ?? "rank"
    let base = name.prefix { $0 != ":" && !$0.isNewline }
    // The system keeps 15 bytes; of two parts that do not fit, the phase says more.
    dl_thread_name("\(base.prefix(14 - rawValue.count)):\(rawValue)")
  }
}
