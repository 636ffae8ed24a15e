import CKernels
import DLTensor

/// Clipping of the gradient, by its global norm or by value.
package enum GradientClipping {
  /// The factor for all gradients, `min(1, maxNorm / (norm + 1e-6))`, as
  /// `torch.nn.utils.clip_grad_norm_`.
  ///
  /// `norm` is the Euclidean norm of the whole gradient over all ranks. A norm that is not a number
  /// gives a factor that is not one, and an infinite norm gives 0, as in PyTorch.
  package static func scale(norm: Double, maxNorm: Double) -> Double {
    let factor = maxNorm / (norm + 1e-6)
    return factor > 1 ? 1 : factor
  }

  /// Limits each element of the gradients to `-maxValue ... maxValue`, as
  /// `torch.nn.utils.clip_grad_value_`; what is not a number stays so.
  package static func clip(_ slice: ArenaSlice, maxValue: Double) {
    dl_clamp(
      slice.dtype.kernel, -maxValue, maxValue, slice.gradients, slice.gradients, slice.count)
  }
}
