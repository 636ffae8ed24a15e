import DLFormats

/// The state of all phases' optimizers in checkpoints, as `optimizer.STATE.PARAMETER`.
final class OptimizerStates: CheckpointState {
  static var tensorPrefix: String? { OptimizerState.prefix }

  private let run: TrainingRun

  init(_ run: TrainingRun) { self.run = run }

  static func conditions(of run: TrainingRun) -> [(key: String, value: String)] {
    [("optimizer", run.optimizers.map(\.optimizerNote).joined(separator: ","))]
  }

  func gather() throws -> [StateDict.Entry] {
    let states = run.optimizers.map(\.state)
    try run.communicator.agreed("make room for the optimizer's state") {
      guard run.communicator.rank == 0 else { return }
      for state in states { try state.makeRoom() }
    }
    for state in states { try state.assemble(run.communicator) }
    return run.communicator.rank == 0 ? try states.flatMap { try $0.entries() } : []
  }

  func release() { for optimizer in run.optimizers { optimizer.state.release() } }

  func restore(from file: SafetensorsFile) throws {
    let known = Set(run.optimizers.flatMap(\.state.names))
    let unknown = file.tensors.filter {
      $0.name.hasPrefix(OptimizerState.prefix) && !known.contains($0.name)
    }
    guard unknown.isEmpty else {
      throw StateDictError(
        path: file.path, differences: unknown.map { "\($0.name) is not in the model" },
        advice: "use the configuration it was saved with")
    }
    for optimizer in run.optimizers { try optimizer.state.read(from: file) }
  }
}
