import DLCluster

/// A gradient or loss that is no number: the step was not made.
public struct NonFiniteError: DLError {
  /// What is not finite.
  public enum Cause: Sendable, Equatable {
    /// The loss alone.
    case loss
    /// The gradient, first of all that of a parameter; nil where another rank knows which.
    case gradient(parameter: String?)
    /// The mean over no labels at all, as where each has the index that is left out.
    case noLabels
  }

  /// The optimizer step, counted from 1.
  public let step: Int
  /// What is not finite.
  public let cause: Cause

  /// The configuration's learning rate or loss are to be changed, or the data.
  public var exitCode: ExitCode { cause == .noLabels ? .data : .usage }

  /// One line.
  public var description: String {
    let what =
      switch cause {
      case .loss: "step \(step): the loss is not finite"
      case .gradient(let parameter?): "step \(step): the gradient of \(parameter) is not finite"
      case .gradient(nil): "step \(step): the gradient of another rank is not finite"
      case .noLabels: "the batch of step \(step) has no label that counts: its mean loss is 0/0"
      }
    let advice =
      cause == .noLabels
      ? "change the data or batch_size, or set non_finite: skip"
      : "lower optimizer.lr, set optimizer.clip_norm or warm up"
    return "\(what); \(advice)"
  }
}
