import DLCore
import DLFormats

extension Checkpoint {
  /// A checkpoint whose header has been read and checked.
  struct Opened {
    let file: SafetensorsFile
    let position: CheckpointPosition
    /// The CRC-32 that each tensor should have, in the order of the file's tensors.
    let sums: [UInt32]
    /// The text that two files of one path have in common only where they are one checkpoint.
    let identity: String
  }

  /// Returns whether weights are a checkpoint of this version, whose sums can be checked; others have none.
  static func isOne(_ source: any WeightSource) -> Bool { source.metadata["format"] == format }

  /// Opens a checkpoint and checks its format, position and every checksum.
  static func open(_ path: String) throws -> (file: SafetensorsFile, position: CheckpointPosition) {
    let opened = try openWhole(path)
    return (opened.file, opened.position)
  }

  /// Opens a checkpoint and checks every checksum, reading all of it.
  static func openWhole(_ path: String) throws -> Opened {
    let opened = try openHeader(path)
    let slice = CheckpointSlice(of: opened, part: 0, parts: 1)
    if let bad = try CheckpointSlice.firstBad([slice.read(opened)], opened) {
      throw damagedTensor(bad, opened)
    }
    return opened
  }

  /// Opens a checkpoint and checks all but the bytes of its tensors.
  static func openHeader(_ path: String) throws -> Opened {
    let file = try SafetensorsFile(path: path)
    let metadata = file.metadata
    guard let found = metadata["format"], found.hasPrefix(familyPrefix) else {
      // One wrong byte may have hit the format's own name.
      if metadata[metadataChecksum] != nil || metadata["checksums"] != nil {
        throw damaged(path, "the metadata name no format")
      }
      throw CheckpointError(
        path: path, what: "is no checkpoint of dltrain",
        advice: "use \(OptionName.initialWeights) to start from weights alone", exitCode: .data)
    }
    guard found == format else {
      let writer = metadata["version"].map { " of dltrain \($0.prefix(40))" } ?? ""
      throw CheckpointError(
        path: path, what: "has format \(found.prefix(40))\(writer), this version reads \(format)",
        advice: "use the version that wrote it", exitCode: .data)
    }
    guard let checksum = metadata[metadataChecksum], checksum == self.checksum(of: metadata) else {
      throw damaged(path, "the metadata fail their checksum")
    }
    // Files of earlier versions have none.
    guard metadata[layoutChecksum].map({ $0 == layout(of: file.tensors) }) ?? true else {
      throw damaged(path, "names, types and shapes fail their checksum")
    }
    return Opened(
      file: file, position: try position(metadata, path), sums: try sums(file, path),
      identity: checksum)
  }

  static func damaged(_ path: String, _ what: String) -> CheckpointError {
    CheckpointError(
      path: path, what: what, advice: "use an earlier checkpoint of the run", exitCode: .data,
      isDamage: true)
  }

  static func damagedTensor(_ index: Int, _ opened: Opened) -> CheckpointError {
    damaged(opened.file.path, "tensor \(opened.file.tensors[index].name) fails its checksum")
  }

  private static func position(_ metadata: [String: String], _ path: String) throws
    -> CheckpointPosition
  {
    var position = CheckpointPosition()
    guard let step = metadata["step"].flatMap({ Int($0) }), step >= 0,
      let updates = metadata["updates"].map({ $0.split(separator: ",").map { Int($0) ?? -1 } }),
      updates.allSatisfy({ $0 >= 0 }),
      let seed = metadata["seed"].flatMap({ UInt64($0) })
    else { throw damaged(path, "step, updates or seed is missing or no number") }
    position.step = step
    position.updates = updates
    position.seed = seed
    if let bestStep = metadata["best_step"].flatMap({ Int($0) }),
      let value = metadata["best_value"].flatMap({ Double($0) })
    {
      position.best = .init(step: bestStep, value: value)
    }
    return position
  }

  private static func sums(_ file: SafetensorsFile, _ path: String) throws -> [UInt32] {
    guard let text = file.metadata["checksums"], let members = try? JSON(parsing: text).members
    else { throw damaged(path, "the checksums are missing or unreadable") }
    let sums = Dictionary(members.map { ($0.key, $0.value.int) }) { first, _ in first }
    return try file.tensors.map { info in
      guard let sum = sums[info.name] ?? nil, let value = UInt32(exactly: sum) else {
        throw damaged(path, "tensor \(info.name) has no checksum")
      }
      return value
    }
  }
}
