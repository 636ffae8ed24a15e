import CKernels
import DLTensor
import Glibc

/// A running mean of the weights beside those that are trained.
///
///     a = a + w(n) * (p - a)         after n updates
///
/// The first update copies the weights, as `torch.optim.swa_utils.AveragedModel` does; the others
/// go by an ``AverageWeighting``.
package final class WeightAverage {
  /// The rule by which updates are weighed.
  package let weighting: any AverageWeighting

  /// Updates so far; to be set where a run goes on.
  package var updates = 0

  /// The mean.
  package let values: ArenaVector

  /// Makes a mean of `count` zeros.
  ///
  /// - Throws: `TensorError` when there is no memory.
  package init(_ weighting: any AverageWeighting, count: Int, dtype: DType) throws {
    self.weighting = weighting
    values = try ArenaVector(count: count, dtype: dtype)
  }

  /// Takes the weights into the mean.
  package func update(_ parameters: UnsafeRawPointer) {
    let weight = updates == 0 ? 1 : weighting.weight(afterUpdates: updates)
    dl_average(values.dtype.kernel, values.count, values.pointer, parameters, weight)
    updates += 1
  }

  /// Exchanges the mean and the weights within a range; a second call undoes it.
  package func swap(with parameters: UnsafeMutableRawPointer, range: Range<Int>? = nil) {
    values.swap(with: parameters, range: range ?? 0..<values.count)
  }
}
