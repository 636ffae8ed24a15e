import DLLayers
import DLTensor

extension LossSurface {
  /// A random direction in which each filter is as long as that of the weights.
  ///
  ///     d = d / |d| · |w|    for the weights of one output
  ///
  /// Biases and the scales of normalizations do not move. Li et al. 2018, "Visualizing the Loss
  /// Landscape of Neural Nets", section 4. Keyed by the run's seed and the name.
  func filterDirection(_ name: String, at weights: Tensor) throws -> Tensor {
    let direction = try randomVector(name)
    for (parameter, offset) in learning {
      let moved = part(of: direction, parameter, offset)
      let fixed = part(of: weights, parameter, offset)
      guard parameter.shape.rank >= 2 else {
        moved.assign([Double](repeating: 0, count: moved.count))
        continue
      }
      // The axis of outputs is the last of a convolution's weights and the first of others.
      let axis = parameter.layout == .convolution ? parameter.shape.rank - 1 : 0
      let others = (0..<parameter.shape.rank).filter { $0 != axis }
      let scaled = try context.withoutRecording {
        let lengths = try moved.square().sum(axes: others, keepsAxes: true).sqrt()
        let wanted = try fixed.square().sum(axes: others, keepsAxes: true).sqrt()
        return try moved * wanted / (lengths + 1e-300)
      }
      moved.pointer.copyMemory(from: scaled.pointer, byteCount: scaled.byteCount)
    }
    return direction
  }
}
