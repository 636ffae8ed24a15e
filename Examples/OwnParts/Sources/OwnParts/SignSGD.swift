import DLTrain

/// An optimizer: each parameter moves by the learning rate against the sign of its gradient.
///
/// Bernstein and others, "signSGD: Compressed Optimization for Non-Convex Problems" (2018).
struct SignSGD: SliceOptimizer {
  var stateNames: [String] { [] }

  func update(_ slice: ArenaSlice, scalars: StepScalars) {
    switch slice.dtype {
    case .float32: update(slice, scalars, as: Float.self)
    default: update(slice, scalars, as: Double.self)
    }
  }

  private func update<Number: BinaryFloatingPoint>(
    _ slice: ArenaSlice, _ scalars: StepScalars, as type: Number.Type
  ) {
    let parameters = slice.parameters.assumingMemoryBound(to: type)
    let gradients = slice.gradients.assumingMemoryBound(to: type)
    let rate = Number(scalars.learningRate)
    for index in 0..<slice.count where gradients[index] != 0 {
      parameters[index] -= gradients[index] > 0 ? rate : -rate
    }
  }
}

/// Its name and options: `optimizer: {name: sign_sgd, lr: 0.001}`.
struct SignSGDSpec: OptimizerSpec {
  static var word: String { "sign_sgd" }
  static var learningRate: Double { 0.001 }

  func makeOptimizer(weightDecay: Double, adapts: Bool) -> any Optimizer { SignSGD() }
}
