import CKernels
import DLTensor

/// The step aside at which sharpness-aware minimization takes its gradient.
///
///     p' = p + rho * g / (|g| + 1e-12)
///     the optimizer steps from p with the gradient at p'
///
/// Foret, Kleiner, Mobahi and Neyshabur, "Sharpness-Aware Minimization for Efficiently Improving
/// Generalization" (2021), Algorithm 1 and equation 2 with p = 2; PyTorch has no counterpart. The
/// norm is that of the whole gradient, summed over ranks, so a step does not depend on their number.
package final class SharpnessAwareness {
  /// The size of the step aside.
  package let rho: Double

  private let saved: ArenaVector

  /// Sets memory aside for the weights.
  ///
  /// - Throws: `OptimizerError` on a negative `rho`; `TensorError` when there is no memory.
  package init(rho: Double = 0.05, count: Int, dtype: DType) throws {
    try HyperparameterCheck(optimizer: "sam").nonNegative(rho, "sam.rho")
    self.rho = rho
    saved = try ArenaVector(count: count, dtype: dtype)
  }

  /// Keeps the weights and moves them up the gradient.
  package func ascend(_ slice: ArenaSlice) {
    precondition(slice.count == saved.count, "sam: another arena")
    saved.copy(slice.parameters)
    let kernel = slice.dtype.kernel
    let squares = ArenaUpdate.blocks(of: 0..<slice.count).reduce(0.0) {
      let block = slice[$1]
      return $0 + dl_dot(kernel, block.gradients, block.gradients, block.count)
    }
    dl_axpy(
      kernel, rho / (squares.squareRoot() + 1e-12), slice.gradients, slice.parameters, slice.count)
  }

  /// Puts the weights back.
  package func descend(_ slice: ArenaSlice) {
    slice.parameters.copyMemory(from: saved.pointer, byteCount: saved.byteCount)
  }
}
