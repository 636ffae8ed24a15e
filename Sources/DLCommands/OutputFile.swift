import DLCore
import DLTraining

/// The file that a command is to write.
enum OutputFile {
  /// Refuses to write over what the command reads, and over what a run needs to go on.
  ///
  /// - Throws: `UsageError` that names the file.
  static func require(_ output: String?, otherThan inputs: [String?], run: String? = nil) throws {
    guard let output else { return }
    func fail(_ what: String) -> UsageError {
      UsageError("\(output): \(what); write to another file")
    }
    if let owner = RunFolder.owner(of: output), File.name(of: output).hasPrefix("step-") {
      throw fail("lies among the checkpoints of \(owner)")
    }
    guard let old = identity(output) else { return }
    if inputs.contains(where: { $0.flatMap(identity) == old }) {
      throw fail("is what the command reads")
    }
    guard let run else { return }
    let own = ["config.yaml", "summary.json", "metrics.jsonl", "checkpoints/latest"]
      .map { "\(run)/\($0)" }
    if own.contains(where: { identity($0) == old }) { throw fail("belongs to the run") }
  }

  /// Nil where there is no such file.
  private static func identity(_ path: String) -> File.Identity? {
    try? File(path, .read).identity()
  }
}
