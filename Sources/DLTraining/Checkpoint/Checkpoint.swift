import DLCluster
import DLFormats
import DLLayers
import DLTensor

/// A checkpoint that is damaged, or belongs to another job.
public struct CheckpointError: DLError {
  /// The file.
  public let path: String
  /// What is wrong with it.
  public let what: String
  /// What to do.
  public let advice: String
  /// 65 for a damaged file, 64 for one of another job.
  public let exitCode: ExitCode

  /// One line.
  public var description: String { "\(path): \(what), \(advice)" }
}

/// Where a run stands, and what it belongs to.
public struct CheckpointPosition: Sendable, Equatable {
  /// Optimizer steps done.
  public var step = 0
  /// Updates made in each phase: the steps less those that were skipped as not finite.
  public var updates = [0]
  /// The seed that keys every random number from here on.
  public var seed: UInt64 = 0
  /// The best value of the validation metric so far, with its step.
  public var best: Best?

  /// A metric's best value.
  public struct Best: Sendable, Equatable {
    /// The optimizer step.
    public var step: Int
    /// The value.
    public var value: Double
  }
}

/// The state of a run at a step as one safetensors file: parameters and buffers under PyTorch's
/// names and layouts, optimizer state, position, and a CRC-32 of every tensor.
enum Checkpoint {
  static let format = "dltrain-checkpoint-1"
  private static let metadataChecksum = "metadata_checksum"

  /// Whether a tensor belongs to the training and not to the model, by its name.
  static func isTrainingState(_ name: String) -> Bool {
    [
      OptimizerState.prefix, Trainer.carriedPrefix, Trainer.errorPrefix, RunAverage.prefix,
    ].contains { name.hasPrefix($0) }
  }

  /// Writes the file as a whole: temporary name, fsync, rename, fsync of the folder.
  ///
  /// - Parameter committing: called last before the rename.
  /// - Throws: `FormatError` where the system refuses, as on a full disk; what `committing` throws.
  ///   The path is then as it was.
  static func write(
    _ tensors: [SafetensorsTensor], position: CheckpointPosition, notes: [String: String],
    to path: String, committing: () throws -> Void
  ) throws {
    var sums: [JSON.Member] = []
    for tensor in tensors {
      var sum = CRC32()
      try tensor.produce { sum.update($0) }
      sums.append(JSON.Member(tensor.name, .integer(Int(sum.value))))
    }
    var metadata = notes
    metadata["format"] = format
    metadata["step"] = String(position.step)
    metadata["updates"] = position.updates.map(String.init).joined(separator: ",")
    metadata["seed"] = String(position.seed)
    metadata["checksums"] = JSON.object(sums).description
    if let best = position.best {
      metadata["best_step"] = String(best.step)
      metadata["best_value"] = String(best.value)
    }
    metadata[metadataChecksum] = checksum(of: metadata)
    try SafetensorsWriter.write(tensors, metadata: metadata, to: path, committing: committing)
  }

  /// Opens a checkpoint and checks its format, position and every checksum.
  static func open(_ path: String) throws -> (file: SafetensorsFile, position: CheckpointPosition) {
    let file = try SafetensorsFile(path: path)
    func damaged(_ what: String) -> CheckpointError {
      CheckpointError(
        path: path, what: what, advice: "use an earlier checkpoint of the run",
        exitCode: .data)
    }
    guard let found = file.metadata["format"], found.hasPrefix("dltrain-checkpoint-") else {
      throw CheckpointError(
        path: path, what: "is no checkpoint of dltrain",
        advice: "use --init to start from weights alone", exitCode: .data)
    }
    guard found == format else {
      throw CheckpointError(
        path: path, what: "has format \(found), this version reads \(format)",
        advice: "use the version that wrote it", exitCode: .data)
    }
    guard file.metadata[metadataChecksum] == checksum(of: file.metadata) else {
      throw damaged("the metadata fail their checksum")
    }
    var position = CheckpointPosition()
    guard let step = file.metadata["step"].flatMap({ Int($0) }), step >= 0,
      let updates = file.metadata["updates"].map({ $0.split(separator: ",").map { Int($0) ?? -1 } }
      ),
      updates.allSatisfy({ $0 >= 0 }),
      let seed = file.metadata["seed"].flatMap({ UInt64($0) })
    else { throw damaged("step, updates or seed is missing or no number") }
    position.step = step
    position.updates = updates
    position.seed = seed
    if let bestStep = file.metadata["best_step"].flatMap({ Int($0) }),
      let value = file.metadata["best_value"].flatMap({ Double($0) })
    {
      position.best = .init(step: bestStep, value: value)
    }
    try check(file, damaged: damaged)
    return (file, position)
  }

  /// The CRC-32 of the entries in the order of their keys, without the checksum's own.
  private static func checksum(of metadata: [String: String]) -> String {
    let entries = metadata.filter { $0.key != metadataChecksum }.sorted { $0.key < $1.key }
    let text = JSON.object(entries.map { JSON.Member($0.key, .string($0.value)) }).description
    return String(Array(text.utf8).withUnsafeBytes { CRC32.of($0) })
  }

  private static func check(_ file: SafetensorsFile, damaged: (String) -> CheckpointError) throws {
    guard let text = file.metadata["checksums"], let sums = try? JSON(parsing: text) else {
      throw damaged("the checksums are missing or unreadable")
    }
    for info in file.tensors {
      guard let expected = sums[info.name]?.int else {
        throw damaged("tensor \(info.name) has no checksum")
      }
      let bytes = try file.bytes(info.name)
      guard Int(bytes.withUnsafeBytes { CRC32.of($0) }) == expected else {
        throw damaged("tensor \(info.name) fails its checksum")
      }
    }
  }
}
