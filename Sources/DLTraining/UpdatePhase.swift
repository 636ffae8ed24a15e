import DLLayers
import DLOptimizers
import DLTensor

/// A phase of the step on one rank: the parameters that learn in it, their optimizer and its state.
final class UpdatePhase {
  let phase: TrainingPhase
  let configuration: OptimizerConfiguration
  let optimizer: any Optimizer
  let state: OptimizerState
  /// The trained parameters, by their index in the arena.
  let parameters: Range<Int>
  /// Their elements in the arena's arrays.
  let elements: Range<Int>
  /// Updates made: the steps less those that were skipped as not finite.
  var updates = 0
  /// The agreed denominator of the step in work.
  var denominator = 0.0

  init(
    _ phase: TrainingPhase, _ configuration: OptimizerConfiguration, arena: ParameterArena,
    context: Context
  ) throws {
    self.phase = phase
    self.configuration = configuration
    optimizer = try configuration.makeOptimizer()
    let all = arena.parameters
    if let part = phase.trains {
      let first = all.firstIndex { $0.name.hasPrefix(part + ".") } ?? 0
      let count = all[first...].prefix { $0.name.hasPrefix(part + ".") }.count
      let named = all.reduce(0) { $0 + ($1.name.hasPrefix(part + ".") ? 1 : 0) }
      guard count > 0, count == named else {
        throw TensorError(
          op: "phase \(phase.name)", "\(part) has no parameters, or others lie between them",
          exitCode: .fault)
      }
      parameters = first..<first + count
    } else {
      parameters = all.indices
    }
    elements = arena.elements(of: parameters)
    state = try OptimizerState(optimizer, arena: arena, parameters: parameters, context: context)
  }

  /// Updates the phase's parameters.
  func update(learningRate: Double, gradientScale: Double) {
    updates += 1
    optimizer.update(
      state.slice,
      scalars: StepScalars(step: updates, learningRate: learningRate, gradientScale: gradientScale))
  }
}
