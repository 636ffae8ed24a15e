import DLCluster
import DLCore
import DLFormats

/// The reason why a checkpoint cannot be used.
struct CheckpointFault {
  /// The cause: what may be done about the file follows from it.
  enum Cause: Int, Comparable {
    /// Its bytes are wrong: nobody can use it, and the checkpoint before it takes its place.
    case damage = 1
    /// It is sound, as far as one can tell, and belongs to another version or program.
    case foreign
    /// The system does not let it be read, for now.
    case unreadable

    static func < (a: Cause, b: Cause) -> Bool { a.rawValue < b.rawValue }
  }

  let path: String
  let cause: Cause
  /// The fault.
  let what: String
  /// The advice: what to do about it; empty for a damaged file.
  let advice: String

  init(_ path: String, _ cause: Cause, _ what: String, advice: String) {
    self.path = path
    self.cause = cause
    self.what = what
    self.advice = advice
  }

  /// Makes the fault from what an attempt to open the file has thrown.
  init(_ path: String, _ error: any Error) {
    switch error {
    case let error as CheckpointError:
      self.init(
        path, error.isDamage ? .damage : .foreign, error.what,
        advice: error.isDamage ? "" : error.advice)
    case let error as FormatError:
      let place = error.offset.map { " (at byte \($0))" } ?? ""
      self.init(
        path, error.kind == .content ? .damage : .unreadable, error.what + place,
        advice: error.kind == .content ? "" : error.advice)
    default:
      self.init(path, .unreadable, "\(error)", advice: "try again")
    }
  }

  /// The exit code that it leads to.
  var exitCode: ExitCode { cause == .unreadable ? .io : .data }
}

/// Checkpoints that a run does not go on from, though they are there: it ends before it changes
/// anything, since going on would replace them sooner or later.
struct CheckpointRefusal: DLError {
  /// From the newest on.
  let faults: [CheckpointFault]
  /// The newest one that could be used, behind the others; nil where there is none.
  let older: String?
  /// The purpose that a checkpoint was wanted for.
  var purpose = Purpose.training

  /// The purposes of a checkpoint: what may be done without it follows from them.
  enum Purpose {
    /// To go on with the run.
    case training
    /// To go on from this very file.
    case named
    /// To use the trained network.
    case inference
  }

  /// 74 where any could not be read, which may pass; else 65.
  var exitCode: ExitCode { faults.contains { $0.cause == .unreadable } ? .io : .data }

  /// One line for each file.
  var description: String {
    faults.map { fault in
      let first =
        fault.advice.isEmpty ? "the file is damaged, put a whole copy in its place" : fault.advice
      let last =
        switch purpose {
        case .training:
          older.map { "go on from \($0) with \(OptionName.resume) and another \(OptionName.out)" }
            ?? "use another \(OptionName.out) to start anew"
        case .named: "name another checkpoint"
        case .inference: "name \(older ?? "another one") with \(OptionName.checkpoint)"
        }
      return oneLine("\(fault.path): \(fault.what), \(first), or \(last)")
    }.joined(separator: "\n")
  }
}
