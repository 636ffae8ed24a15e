import DLCore
import DLLayers
import DLOptimizers

extension PhaseOptimizer {
  /// Checks parameters and state at each update from now on, beginning with what they are at the
  /// next call of ``renewChecksums(_:)``.
  func watchMemory(_ arena: ParameterArena) {
    // A table with a largest norm is rescaled while it is looked up.
    let rescaled = arena.modules.compactMap {
      ($0 as? Embedding)?.options.maxNorm == nil ? nil : $0 as? Embedding
    }
    let unwatched = parameters.filter { index in
      rescaled.contains { $0.weight === arena.parameters[index] }
    }
    checksums = ShareChecksums(
      groups.update, shares: state.slices, others: lookahead.map { [$0.slow] } ?? [],
      unwatched: Set(unwatched.map { $0 - parameters.lowerBound }))
  }

  /// To be called after parameters or state were written other than by ``update(multiplier:gradientScale:_:_:)``.
  func renewChecksums() { checksums?.renew() }

  /// Takes note that another phase has written parameters, of which some may be of this one too.
  func didUpdateElsewhere(_ other: PhaseOptimizer) {
    if parameters.overlaps(other.parameters) { checksums?.renew(0..<1) }
  }

  /// Checks all of this rank's share.
  func verifyChecksums() { checksums?.verify() }

  /// Throws what was found to have changed.
  func throwCorruption(step: Int, _ arena: ParameterArena) throws {
    guard let checksums, let mismatch = checksums.mismatch else { return }
    let names = state.vectors.map(\.name) + ["slow"]
    throw CorruptionError(
      step: step, parameter: arena.parameters[parameters.lowerBound + mismatch.member].name,
      state: mismatch.vector == 0 ? nil : names[mismatch.vector - 1], host: hostName())
  }
}
