import DLCluster
import DLTensor

/// A rank that runs another job than rank 0.
public struct HandshakeError: DLError {
  /// What differs.
  public let differences: String
  /// A fault of the set-up.
  public var exitCode: ExitCode { .usage }
  /// One line.
  public var description: String {
    "this rank has \(differences); start all ranks with the same program, configuration and data"
  }
}

extension Trainer {
  /// Checks that all ranks run the same job on the same data with the same kernels.
  func handshake() throws {
    let mine = [
      "configuration \(configuration.fingerprint)", "rows \(data.train.count)",
      "validation rows \(data.validation?.count ?? 0)", "rows of shape \(data.train.inputShape)",
      "classes \(data.train.classCount ?? 0)", "parameters \(parameterCount)",
      "stop at step \(options.stopAtStep ?? 0)", "initial weights \(options.initialWeights != nil)",
      "run folder \(options.writesRun)", "trace \(options.trace != nil)",
      "kernels \(CPU.kernelSet)",
      "BLAS core \(BLAS.core)", "version \(Version.current)",
    ].joined(separator: "\n")
    let root = try communicator.broadcast(mine, root: 0)
    try communicator.agreed("compare the ranks") {
      guard mine != root else { return }
      let pairs = zip(root.split(separator: "\n"), mine.split(separator: "\n"))
      let differences = pairs.filter { $0 != $1 }.map { "\($1), rank 0 has \($0)" }
      throw HandshakeError(differences: differences.joined(separator: "; "))
    }
  }
}
