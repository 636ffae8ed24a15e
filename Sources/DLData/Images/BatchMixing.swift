import CKernels
import DLCore
import DLFormats
import DLTensor
import Glibc

/// Mixes each row of a step's batch with another one and leaves both labels, with their weights, to
/// the loss.
///
/// Mixup (Zhang et al. 2018) and CutMix (Yun et al. 2019). A row's partner is the one before it in the step's batch over all ranks and micro-batches, cyclic,
/// or with views of each image the one as many rows before. So a rank reads one row beside its own,
/// and what it makes depends on seed, epoch and step alone. Weight and window are drawn once a step.
/// Counterpart: torchvision's `v2.MixUp` and `v2.CutMix`, which roll the batch by one too.
package struct BatchMixing: Sendable, Hashable {
  /// The mixing that a step does.
  package enum Mix: Sendable, Hashable {
    /// Every row becomes weight times itself and the rest of its partner.
    case blend(weight: Double)
    /// A window shows the partner's pixels.
    case paste(PixelWindow, weight: Double)

    /// The weight of the row's own label.
    package var weight: Double {
      switch self {
      case .blend(let weight), .paste(_, let weight): weight
      }
    }
  }

  private let mixup: Double?
  private let cutmix: Double?
  private let probability: Double
  private let shape: [Int]
  private let key: RandomKey

  /// Makes the rule.
  ///
  /// - Parameters:
  ///   - mixup: α of the weights' Beta(α, α); nil for none.
  ///   - cutmix: the same for windows; where both are given a step takes either.
  ///   - probability: that a step mixes.
  /// - Throws: `DataError` for rows that cannot be mixed.
  package init(
    mixup: Double?, cutmix: Double?, probability: Double, of dataset: any Dataset, seed: Int
  ) throws {
    shape = dataset.inputShape
    guard dataset.inputType != .int32, dataset.inputLengths == nil else {
      throw DataError("data.mix: rows of tokens or of unequal length cannot be mixed, remove it")
    }
    guard cutmix == nil || shape.count == 3 else {
      throw DataError(
        "data.mix: cutmix: rows of \(shape) are no images [height, width, channels], use mixup")
    }
    self.mixup = mixup
    self.cutmix = cutmix
    self.probability = probability
    key = RandomKey(seed).child("mix")
  }

  /// The mixing that a step does; nil for none.
  package func draw(epoch: Int, step: Int) -> Mix? {
    var stream = RandomStream(key.child(epoch).child(step))
    guard stream.uniform() < probability else { return nil }
    let pastes = cutmix != nil && (mixup == nil || stream.uniform() < 0.5)
    guard pastes, let cutmix else {
      return mixup.map { Mix.blend(weight: Self.beta($0, &stream)) }
    }
    let share = Self.beta(cutmix, &stream)
    let (height, width) = (shape[0], shape[1])
    let column = stream.upTo(width)
    let row = stream.upTo(height)
    let half = 0.5 * (1 - share).squareRoot()
    let (down, across) = (Int(half * Double(height)), Int(half * Double(width)))
    let (top, left) = (max(row - down, 0), max(column - across, 0))
    let window = PixelWindow(
      top: top, left: left, height: min(row + down, height) - top,
      width: min(column + across, width) - left)
    let covered = Double(window.height * window.width) / Double(height * width)
    return .paste(window, weight: 1 - covered)
  }

  /// A number of Beta(α, α), by two of Gamma(α).
  private static func beta(_ alpha: Double, _ stream: inout RandomStream) -> Double {
    let first = gamma(alpha, &stream)
    let second = gamma(alpha, &stream)
    return first + second > 0 ? first / (first + second) : 0.5
  }

  /// A number of Gamma(shape, 1) (Marsaglia and Tsang 2000, "A Simple Method for Generating Gamma
  /// Variables"; below 1 by their boost).
  private static func gamma(_ shape: Double, _ stream: inout RandomStream) -> Double {
    if shape < 1 {
      let boost = PortableMath.pow(1 - stream.uniform(), 1 / shape)
      return gamma(shape + 1, &stream) * boost
    }
    let d = shape - 1.0 / 3
    let c = 1 / (9 * d).squareRoot()
    while true {
      let x = stream.normal()
      let v = (1 + c * x) * (1 + c * x) * (1 + c * x)
      guard v > 0 else { continue }
      if PortableMath.log(1 - stream.uniform()) < 0.5 * x * x + d - d * v + d * PortableMath.log(v)
      {
        return d * v
      }
    }
  }

  /// Mixes a row of a step with its partner, both converted.
  package func apply(
    _ mix: Mix, to row: UnsafeMutableRawPointer, partner: UnsafeRawPointer, type: DType
  ) {
    switch mix {
    case .blend(let weight):
      let count = shape.reduce(1, *)
      dl_scale(type.kernel, weight, row, row, count, 0)
      dl_axpy(type.kernel, 1 - weight, partner, row, count)
    case .paste(let window, _):
      let pixel = shape[2] * type.byteCount
      for y in window.top..<window.top + window.height {
        let place = (y * shape[1] + window.left) * pixel
        (row + place).copyMemory(from: partner + place, byteCount: window.width * pixel)
      }
    }
  }
}
