/// Clipping of the gradient by its global norm, as `torch.nn.utils.clip_grad_norm_`.
public enum GradientClipping {
  /// The factor for all gradients: `min(1, maxNorm / (norm + 1e-6))`.
  ///
  /// `norm` is the Euclidean norm of the whole gradient over all ranks. A norm that is not a number
  /// gives a factor that is not one, and an infinite norm gives 0, as in PyTorch.
  public static func scale(norm: Double, maxNorm: Double) -> Double {
    let factor = maxNorm / (norm + 1e-6)
    return factor > 1 ? 1 : factor
  }
}
