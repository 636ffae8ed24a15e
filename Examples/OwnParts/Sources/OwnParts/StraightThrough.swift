import DLTrain

/// A layer with a gradient of its own: the sign of its input, whose gradient is that of a clipped
/// identity.
///
/// Bengio, Leonard and Courville, "Estimating or Propagating Gradients Through Stochastic Neurons"
/// (2013). In YAML: `straight_through`.
final class StraightThrough: Module, Layer, OptionlessLayer {
  static var word: String { "straight_through" }

  func forward(_ x: Tensor) throws -> Tensor {
    try x.context.operation(on: [x]) {
      try x.clamp(-1e-3, 1e-3) * 1e3
    } gradient: { dy, _ in
      dy
    }
  }
}
