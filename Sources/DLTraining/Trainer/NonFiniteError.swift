import DLCore

/// A gradient or loss that is no number: the step was not made.
package struct NonFiniteError: DLError {
  /// The number that is not finite.
  package enum Cause: Sendable, Equatable {
    /// The loss alone.
    case loss
    /// The gradient, first of all that of a parameter; nil where another rank knows which.
    case gradient(parameter: String?)
    /// The mean over no labels at all, as where each has the index that is left out.
    case noLabels
  }

  /// A row of the training data.
  package struct Row: Sendable, Equatable {
    /// The name of the data.
    package let file: String
    /// The row of the file.
    package let number: Int
  }

  /// The optimizer step, counted from 1.
  package let step: Int
  /// True if nothing has been updated before, so that no rate of learning can be the cause.
  package var isFirstUpdate = false
  /// The number that is not finite.
  package let cause: Cause
  /// The row whose loss is not finite, where only some rows' are and no update is the cause.
  package var row: Row?

  /// The configuration's learning rate or loss are to be changed, or the data.
  package var exitCode: ExitCode { cause == .noLabels || row != nil ? .data : .usage }

  /// One line.
  package var description: String {
    let what =
      switch cause {
      case .loss: "step \(step): the loss is not finite"
      case .gradient(let parameter?): "step \(step): the gradient of \(parameter) is not finite"
      case .gradient(nil): "step \(step): the gradient of another rank is not finite"
      case .noLabels: "the batch of step \(step) has no label that counts: its mean loss is 0/0"
      }
    if cause != .noLabels, let row {
      return
        "\(row.file): row \(row.number): its loss is not finite before any update (step \(step)); "
        + "correct the row, bring the data into range by data.normalize, or change the loss"
    }
    let advice =
      cause == .noLabels
      ? "change the data or batch_size, or set non_finite: skip"
      : isFirstUpdate
        ? "no update was made yet: check the initial weights, the range of the data (data.normalize) "
          + "and the loss"
        : "lower optimizer.lr, set optimizer.clip_norm or warm up"
    return "\(what); \(advice)"
  }
}
