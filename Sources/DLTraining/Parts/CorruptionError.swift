import DLCluster
import DLCore

/// Memory that has changed though nothing of the program wrote to it.
package struct CorruptionError: DLError {
  /// The optimizer step that met it, counted from 1.
  package let step: Int
  /// The parameter concerned.
  package let parameter: String
  /// The optimizer's state concerned, such as `momentum_buffer`; nil for the parameter itself.
  package let state: String?
  /// The host whose memory it is.
  package let host: String

  /// An internal fault: a restart goes on from the last checkpoint.
  package var exitCode: ExitCode { .fault }

  /// One line.
  package var description: String {
    let what = state.map { "the optimizer's \($0) of \(parameter)" } ?? parameter
    return "step \(step): \(what) has changed in memory since it was last written; "
      + "test the memory of \(host)"
  }
}

/// Copies that are not the same on all ranks.
package struct CopyMismatchError: DLError {
  /// The optimizer step that met it, counted from 1; 0 before the first.
  package let step: Int
  /// The first parameter or buffer that differs.
  package let tensor: String
  /// The number of others that differ too.
  package let otherCount: Int
  /// The ranks of each distinct content, the most frequent first.
  package let groups: [[Int]]

  /// An internal fault: a restart goes on from the last checkpoint.
  package var exitCode: ExitCode { .fault }

  /// One line.
  package var description: String {
    let more = otherCount > 0 ? ", and \(otherCount) more tensors" : ""
    let sides: String
    if groups.count > 1, groups[0].count > groups[1].count {
      let odd = groups.dropFirst().flatMap { $0 }.sorted()
      sides =
        "\(StallReport.list(odd)) hold\(odd.count == 1 ? "s" : "") another \(tensor) than "
        + "the other ranks"
    } else {
      sides =
        "\(tensor) is not the same on "
        + groups.map(StallReport.list).joined(separator: " and on ")
    }
    return "step \(step): \(sides)\(more); test the memory and the network of their hosts"
  }
}
