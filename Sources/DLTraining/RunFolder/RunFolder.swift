import DLCluster
import DLCore
import DLFormats

/// A run folder that cannot be used as asked.
package struct RunFolderError: DLError {
  /// One line.
  package let description: String
  /// 64: another folder or flag is needed.
  package var exitCode: ExitCode { .usage }
}

/// The files that a run leaves behind in its folder.
///
/// `config.yaml`, `metrics.jsonl`, `summary.json`, `checkpoints/`. Rank 0 alone has one.
package final class RunFolder {
  let path: String
  let checkpoints: CheckpointFolder
  /// The right to write here.
  let lease: RunLock
  /// Writes the checkpoints of a run that trains.
  var writer: CheckpointWriter?

  /// Opens a folder for writing, making it where it is not there, and takes its lease.
  ///
  /// - Parameter turn: what a wait for the lease has found.
  /// - Throws: ``RunFolderError`` while another process writes to it.
  init(_ path: String, after turn: RunLock.Turn? = nil) throws {
    self.path = path
    checkpoints = CheckpointFolder(path: path + "/checkpoints")
    try File.makeFolder(checkpoints.path)
    lease = try RunLock(folder: path, after: turn)
    try removeLeftovers()
  }

  deinit {
    writer?.end()
    lease.end()
  }

  var configurationPath: String { path + "/config.yaml" }
  var metricsPath: String { path + "/metrics.jsonl" }
  var summaryPath: String { path + "/summary.json" }

  /// Removes the temporary files of a process that was killed while it wrote; the lease is ours, so
  /// none is in use.
  private func removeLeftovers() throws {
    let ours = [".lease.", ".config.yaml.", ".summary.json.", ".latest.", ".step-"]
    for folder in [path, checkpoints.path] {
      for name in try File.list(folder)
      where name.hasSuffix(".tmp") && ours.contains(where: name.hasPrefix) {
        try File.remove(folder + "/" + name)
      }
    }
  }

  /// The folder of the series `runs/NAME-001`, `runs/NAME-002` and so on behind the last one there.
  ///
  /// - Throws: `FormatError` where `runs` is there and cannot be listed.
  package static func unused(name: String) throws -> String {
    numbered(name, (try lastNumber(name) ?? 0) + 1)
  }

  /// The last of `runs/NAME-NNN`; nil where there is none.
  ///
  /// - Throws: as ``unused(name:)``.
  package static func newest(name: String) throws -> String? {
    try lastNumber(name).map { numbered(name, $0) }
  }

  /// The run folder that a checkpoint lies in; nil where its path names none.
  package static func owner(of checkpoint: String) -> String? {
    let parts = checkpoint.split(separator: "/", omittingEmptySubsequences: false)
    let isInRun = parts.count > 2 && parts[parts.count - 2] == "checkpoints"
    return isInRun ? parts.dropLast(2).joined(separator: "/") : nil
  }

  private static func lastNumber(_ name: String) throws -> Int? {
    let start = plain(name) + "-"
    guard try File.kind(of: "runs") != nil else { return nil }
    return try File.list("runs").compactMap { entry in
      entry.hasPrefix(start) ? Int(entry.dropFirst(start.count)) : nil
    }.filter { (1..<1_000_000).contains($0) }.max()
  }

  private static func numbered(_ name: String, _ number: Int) -> String {
    "runs/\(plain(name))-\(Format.padded(number, 3))"
  }

  /// The name without what has no place in a file name.
  private static func plain(_ name: String) -> String {
    String(name.map { $0.isLetter || $0.isNumber || "-_.".contains($0) ? $0 : "-" })
  }
}
