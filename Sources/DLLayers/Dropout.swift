import DLTensor

/// Zeroes elements with probability `p` in training and scales the others by `1 / (1 - p)`.
///
/// The mask is keyed by seed, step, layer path, call number, global row and element, so it does not
/// depend on how rows are spread over ranks. Srivastava et al. 2014. Counterpart:
/// `torch.nn.Dropout`.
public final class Dropout: Module, Layer {
  /// The probability of a zero.
  public let probability: Double

  private var pass = -1
  private var call = 0

  /// Makes the layer, with `p` in `0 ..< 1`.
  public init(p: Double = 0.5) { probability = p }

  /// Applies the layer.
  public func forward(_ x: Tensor) throws -> Tensor {
    let context = x.context
    guard context.isTraining, probability > 0 else { return x }
    call = pass == context.forwardPass ? call + 1 : 0
    pass = context.forwardPass
    let key = RandomKey(context.seed).child("dropout").child(context.step).child(path).child(call)
    return try x.dropout(probability, key: key)
  }
}
