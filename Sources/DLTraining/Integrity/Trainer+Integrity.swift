import DLCluster

extension Trainer {
  /// Takes parameters and state as they are, once they are initialised or loaded, and compares the
  /// ranks' copies; collective.
  func startIntegrityChecks() throws {
    for phase in phases { phase.renewChecksums() }
    guard configuration.integrity.compareEverySteps != nil else { return }
    comparison = try CopyComparison(
      arena, communicator, comparesBuffers: configuration.syncBatchNorm)
    try comparison?.check(step: position.step)
  }

  /// Checks everything where it is time to, before an update overwrites what it should have found;
  /// collective.
  func checkIfDue() throws {
    let step = position.step + 1
    guard let every = configuration.integrity.compareEverySteps, step.isMultiple(of: every) else {
      return
    }
    try local { try verifyShares(step: step) }
    try comparison?.check(step: step)
  }

  /// Checks all that a checkpoint is made of; collective.
  ///
  /// - Parameter comparesCopies: false where ranks differ by right, between averagings.
  func verifyState(step: Int, comparesCopies: Bool = true) throws {
    if configuration.integrity.checkUpdates {
      try communicator.agreed("check the state") { try verifyShares(step: step) }
    }
    if comparesCopies { try comparison?.check(step: step) }
  }

  /// Checks this rank's shares of parameters and state, frozen ones too.
  private func verifyShares(step: Int) throws {
    for phase in phases {
      phase.verifyChecksums()
      try phase.throwCorruption(step: step, arena)
    }
  }
}
