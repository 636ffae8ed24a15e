import DLOptimizers
import DLTensor

extension OpCases {
  /// Updates of all parameters of the networks, without the checks of a run.
  static var updates: [OpCase] {
    [669_706, 11_173_962].map { update("sgd, momentum", $0) { try SGD(momentum: 0.9) } }
      + [818_176, 10_795_776].map {
        update("adamw", $0) { try Adam(weightDecay: 0.01, decoupledWeightDecay: true) }
      }
  }

  static func update(
    _ name: String, _ count: Int, _ rule: @escaping @Sendable () throws -> any SliceOptimizer
  ) -> OpCase {
    OpCase(op: name, shape: "\(count) parameters", pass: "update", multiplyAdds: 0) { context in
      let rule = try rule()
      let arrays = try (0..<2 + rule.stateNames.count).map { _ in
        try Tensor.zeros([count], context: context)
      }
      let slice = ArenaSlice(
        dtype: .float32, count: count, parameters: arrays[0].pointer, gradients: arrays[1].pointer,
        state: StatePointers(
          arrays.count > 2 ? arrays[2].pointer : nil, arrays.count > 3 ? arrays[3].pointer : nil))
      let scalars = StepScalars(step: 2, learningRate: 1e-3)
      // All but the gradients are read and written.
      return OpCall(bytes: (2 * arrays.count - 1) * 4 * count) {
        withExtendedLifetime(arrays) { rule.update(slice, scalars: scalars) }
      }
    }
  }
}
