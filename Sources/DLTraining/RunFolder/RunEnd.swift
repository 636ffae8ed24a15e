/// The end of a run, which `summary.json` holds under `end`.
package struct RunEnd: Sendable {
  /// The ways in which a run ends.
  package enum Reason: String, Sendable, CaseIterable {
    /// It has not ended, or was killed without a chance to say so.
    case running
    /// It has made its last step.
    case finished
    /// As many validations as `validate.patience` have passed without a new best.
    case earlyStop = "early_stop"
    /// It has come to the step of `--stop-at`.
    case stopped
    /// A signal ended it: with a checkpoint of its last step, or at once.
    case interrupted
    /// A loss or gradient was no number.
    case diverged
    /// A rank or a host has died, or stood still.
    case lostRank = "lost_rank"
    /// An error ended it: bad data, a full disk, an internal fault.
    case failed

    /// As it stands at the head of a line for people.
    package var title: String {
      switch self {
      case .running: "running"
      case .finished: "finished"
      case .earlyStop: "stopped early"
      case .stopped: "stopped"
      case .interrupted: "interrupted"
      case .diverged: "diverged"
      case .lostRank: "lost a rank"
      case .failed: "failed"
      }
    }
  }

  /// Why.
  package let reason: Reason
  /// Optimizer steps done.
  package let step: Int
  /// The exit code of rank 0's process; 128 and the signal's number where a signal ended it.
  package let exitCode: Int32
  /// One line of words.
  package let message: String
  /// The validation that decided that the run ends; nil where none did.
  package var validation: ValidationReport?
}
