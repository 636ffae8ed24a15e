import DLCluster
import DLCore
import DLFormats
import DLLayers
import DLTensor

/// A checkpoint that is damaged, or belongs to another job.
package struct CheckpointError: DLError {
  /// The file.
  package let path: String
  /// The fault.
  package let what: String
  /// The advice: what to do.
  package let advice: String
  /// 65 for a damaged file, 64 for one of another job.
  package let exitCode: ExitCode
  /// True if the file's own bytes are wrong, so that nobody can use it.
  var isDamage = false

  /// One line.
  package var description: String { "\(path): \(what), \(advice)" }

  /// The refusal of a checkpoint that another job has saved.
  ///
  /// - Parameter hasWeights: whether its weights are of use to this one.
  static func ofOtherJob(_ path: String, _ what: String, hasWeights: Bool = false)
    -> CheckpointError
  {
    CheckpointError(
      path: path, what: what,
      advice: "resume with the configuration it was saved with"
        + (hasWeights ? ", or use \(OptionName.initialWeights) for its weights" : ""),
      exitCode: .usage)
  }
}

/// The place of a run in its steps, and what it belongs to.
package struct CheckpointPosition: Sendable, Equatable {
  /// Optimizer steps done.
  package var step = 0
  /// Updates made in each phase: the steps less those that were skipped as not finite.
  package var updates = [0]
  /// The seed that keys every random number from here on.
  package var seed: UInt64 = 0
  /// The best value of the validation metric so far, with its step.
  package var best: Best?

  /// A metric's best value.
  package struct Best: Sendable, Equatable {
    /// The optimizer step.
    package var step: Int
    /// The value.
    package var value: Double
  }
}

/// The state of a run at a step as one safetensors file: parameters and buffers under PyTorch's
/// names and layouts, optimizer state, position, and a CRC-32 of every tensor.
enum Checkpoint {
  static let format = "dltrain-checkpoint-1"
  static let familyPrefix = "dltrain-checkpoint-"
  static let metadataChecksum = "metadata_checksum"
  static let layoutChecksum = "layout_checksum"

  /// Returns whether a tensor belongs to the training and not to the model, by its name.
  static func isTrainingState(_ name: String) -> Bool {
    CheckpointStates.all.contains { $0.tensorPrefix.map(name.hasPrefix) ?? false }
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
    metadata[layoutChecksum] = layout(of: tensors.map { ($0.name, $0.dtype, $0.shape) })
    metadata[metadataChecksum] = checksum(of: metadata)
    try SafetensorsWriter.write(tensors, metadata: metadata, to: path, committing: committing)
  }

  /// The CRC-32 of the entries in the order of their keys, without the checksum's own.
  static func checksum(of metadata: [String: String]) -> String {
    let entries = metadata.filter { $0.key != metadataChecksum }.sorted { $0.key < $1.key }
    return checksum(
      of: JSON.object(entries.map { JSON.Member($0.key, .string($0.value)) }).description)
  }

  /// The CRC-32 of what the header says of the tensors, in the order of their names.
  static func layout(of tensors: [SafetensorsInfo]) -> String {
    layout(of: tensors.map { ($0.name, $0.dtype, $0.shape) })
  }

  private static func layout(
    of tensors: [(name: String, dtype: SafetensorsType, shape: [Int])]
  ) -> String {
    checksum(
      of: tensors.sorted { $0.name < $1.name }.map {
        "\($0.name) \($0.dtype.rawValue) \($0.shape)\n"
      }
      .joined())
  }

  private static func checksum(of text: String) -> String {
    String(Array(text.utf8).withUnsafeBytes { CRC32.of($0) })
  }
}
