import DLCore
import DLFormats
import DLTraining

extension ConsoleReporter {
  /// Prints where a run was ended by an error, and what is left of it; the error itself goes to
  /// standard error.
  package func didFail(_ end: RunEnd) {
    guard let plan else { return }
    flush()
    closeLine()
    var rows = [[end.reason.title, "at step \(end.step) of \(plan.totalSteps)"]]
    if let last {
      rows.append(["training loss", Format.fixed(last.loss, 4) + " in the last step"])
    }
    if !plan.folder.isEmpty {
      rows.append(["metrics", plan.folder + "/metrics.jsonl"])
      let checkpoint = CheckpointFolder(path: plan.folder + "/checkpoints").latest
      if let checkpoint, File.exists(checkpoint) {
        rows += [
          ["checkpoint", checkpoint],
          ["go on with", "\(OptionName.resume) auto \(OptionName.out) \(plan.folder)"],
        ]
      } else {
        rows.append(["checkpoint", "none was written"])
      }
    }
    Terminal.out("\n" + Format.table(rows, columns: Terminal.width) + "\n")
  }
}
