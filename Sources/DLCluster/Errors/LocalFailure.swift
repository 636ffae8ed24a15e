import DLCore

/// An error of one rank that its peers were not told of.
package struct LocalFailure: DLError {
  let rank: Int
  package let exitCode: ExitCode
  package let description: String

  package init(_ error: any Error, rank: Int, ranks: Int) {
    self.rank = rank
    exitCode = ExitCode(of: error)
    description = "\(error)" + (ranks > 1 ? " (rank \(rank))" : "")
  }

  /// The same as all ranks of one process end with it.
  package var agreed: RankFailure {
    RankFailure(rank: rank, exitCode: exitCode, message: description)
  }
}
