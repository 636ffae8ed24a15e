import DLCore
import DLFormats

/// Looks for the newest checkpoint of a folder that is whole.
///
/// Damaged ones are passed over. Where one newer than it is sound but cannot be used here (another
/// version's, or without permission to read), or where all are damaged, nothing is chosen: the run
/// that went on from an older one, or anew, would replace what others can still use.
struct CheckpointSearch {
  /// A checkpoint that is whole.
  struct Found {
    let path: String
    let checkpoint: Checkpoint.Opened
    /// The damaged ones that were passed over, newest first.
    var damaged: [CheckpointFault] = []

    /// The notices of those, one line each.
    var notices: [String] { damaged.map { notice($0, kept: "") } }

    /// The notice of a damaged file.
    ///
    /// - Parameter name: what it is called from now on; empty where it stays as it is.
    func notice(_ fault: CheckpointFault, kept name: String) -> String {
      oneLine("\(fault.path): \(fault.what); going back to \(path)")
        + (name.isEmpty ? "" : ", the damaged file is kept as \(name)")
    }
  }

  /// The outcome of the look at one file.
  enum Outcome {
    case whole(Checkpoint.Opened)
    case fault(CheckpointFault)
  }

  let folder: CheckpointFolder
  /// The purpose of the checkpoint.
  var purpose = CheckpointRefusal.Purpose.training

  /// Goes from the newest to the oldest.
  ///
  /// - Parameters:
  ///   - steps: the steps that have a file, oldest first.
  ///   - examine: opens and checks one file; with several ranks on all of them.
  /// - Returns: nil where there is no file.
  /// - Throws: ``CheckpointRefusal``.
  func newest(of steps: [Int], examine: (String) throws -> Outcome) throws -> Found? {
    var faults: [CheckpointFault] = []
    for step in steps.reversed() {
      let path = folder.file(step: step)
      switch try examine(path) {
      case .fault(let fault): faults.append(fault)
      case .whole(let checkpoint):
        guard faults.allSatisfy({ $0.cause == .damage }) else {
          throw CheckpointRefusal(faults: faults, older: path, purpose: purpose)
        }
        return Found(path: path, checkpoint: checkpoint, damaged: faults)
      }
    }
    guard faults.isEmpty else {
      throw CheckpointRefusal(faults: faults, older: nil, purpose: purpose)
    }
    return nil
  }

  /// The checkpoint with the best validation, as the newest one tells; the newest where there was no validation, or
  /// the best is gone.
  ///
  /// - Parameters: as of ``newest(of:examine:)``.
  /// - Returns: nil where there is no file.
  /// - Throws: ``CheckpointRefusal``.
  func best(of steps: [Int], examine: (String) throws -> Outcome) throws -> Found? {
    guard let newest = try newest(of: steps, examine: examine) else { return nil }
    let position = newest.checkpoint.position
    guard let best = position.best?.step, best != position.step, steps.contains(best) else {
      return newest
    }
    let path = folder.file(step: best)
    switch try examine(path) {
    case .whole(let checkpoint):
      return Found(path: path, checkpoint: checkpoint, damaged: newest.damaged)
    case .fault(let fault):
      throw CheckpointRefusal(faults: [fault], older: newest.path, purpose: purpose)
    }
  }

  /// Opens and checks one file on one rank alone.
  static func examine(_ path: String) -> Outcome {
    do {
      return .whole(try Checkpoint.openWhole(path))
    } catch {
      return .fault(CheckpointFault(path, error))
    }
  }
}
