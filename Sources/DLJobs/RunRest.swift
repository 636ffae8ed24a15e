import DLCore
import DLTraining

/// The remains of a run that ends before its time.
struct RunRest {
  /// The way to go on, or that nothing was saved; nil for a command that saves nothing.
  let text: String?
  /// True if `--resume auto` finds a checkpoint of this run.
  let isResumable: Bool
  /// True if there is a run folder yet.
  let hasRun: Bool

  /// - Parameters:
  ///   - run: the run folder, empty before there is one.
  ///   - noted: the newest checkpoint that this process was told of; empty for none.
  init(isTraining: Bool, run: String, noted: String) {
    hasRun = !run.isEmpty
    // Ranks other than the first are not told of every checkpoint; the folder tells them.
    let latest = run.isEmpty ? nil : CheckpointFolder(path: run + "/checkpoints").latest
    if let latest, File.exists(latest) {
      isResumable = true
      text =
        "the last checkpoint is \(latest), go on with \(OptionName.resume) auto \(OptionName.out) \(run)"
      return
    }
    isResumable = false
    if !noted.isEmpty, File.exists(noted) {
      text =
        "no new checkpoint was written, go on with \(OptionName.resume) \(noted) \(OptionName.out) \(run)"
    } else if !run.isEmpty {
      text = "no checkpoint was written yet, start anew"
    } else {
      text = isTraining ? "nothing was saved" : nil
    }
  }
}
