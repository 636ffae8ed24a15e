import CKernels
import DLTensor
import Glibc

/// A running mean of the weights beside those that are trained.
///
/// The first update copies the weights, as `torch.optim.swa_utils.AveragedModel` does:
///
///     exponential(decay):  a = decay * a + (1 - decay) * p
///     equal:               a = a + (p - a) / (n + 1)         after n updates
///
/// Polyak and Juditsky (1992); Izmailov and others, "Averaging Weights Leads to Wider Optima and
/// Better Generalization" (2018), Algorithm 1.
public final class WeightAverage {
  /// How updates are weighed.
  public enum Kind: Sendable, Hashable {
    /// Each update moves the mean by `1 - decay` of the way.
    case exponential(decay: Double)
    /// All updates count the same.
    case equal
  }

  /// How updates are weighed.
  public let kind: Kind

  /// Updates so far; to be set where a run goes on.
  public var updates = 0

  /// The mean.
  public let values: ArenaVector

  /// Makes a mean of `count` zeros.
  public init(_ kind: Kind, count: Int, dtype: DType) throws {
    self.kind = kind
    values = try ArenaVector(count: count, dtype: dtype)
  }

  /// Takes the weights into the mean.
  public func update(_ parameters: UnsafeRawPointer) {
    let weight =
      switch kind {
      case _ where updates == 0: 1.0
      case .exponential(let decay): 1 - decay
      case .equal: 1 / Double(updates + 1)
      }
    dl_average(values.dtype.kernel, values.count, values.pointer, parameters, weight)
    updates += 1
  }

  /// Exchanges the mean and the weights within a range; a second call undoes it.
  public func swap(with parameters: UnsafeMutableRawPointer, range: Range<Int>? = nil) {
    values.swap(with: parameters, range: range ?? 0..<values.count)
  }
}
