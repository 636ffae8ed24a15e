import DLTensor
import Glibc

/// The smallest change by L2 that makes the class wrong by a margin, looked for by Adam.
///
///     minimize |x' - x|² + c · max(Z_own - max Z_other, -kappa),   x' within the range by a tanh
///
/// with c found by bisection, row by row. Carlini and Wagner 2017, "Towards Evaluating the Robustness
/// of Neural Networks", sections V and VI.
package struct CarliniWagner: Attack {
  package static let word = "cw"
  package static let norms: [AttackNorm] = [.l2]
  package static let takesEpsilon = false
  package static let knownOptions: Set<AttackOption> = [.steps, .confidence]
  package static let defaultSteps = 100
  /// The constant that the search begins with.
  static let firstConstant = 0.1
  /// Adam's learning rate.
  static let learningRate = 0.05

  let options: AttackOptions

  package init(_ options: AttackOptions) { self.options = options }

  package func perturbed(_ rows: AttackRows, _ network: AttackedNetwork) throws -> Tensor {
    let count = rows.pixels.shape[0]
    guard count > 0 else { return rows.pixels }
    let width = rows.pixels.shape.dropFirst().count
    var search = ConstantSearch(count)
    var best = rows.pixels.doubles
    var bestSize = [Double](repeating: .infinity, count: count)
    for _ in 0..<options.searchSteps {
      let found = try minimized(rows, search.constants, network)
      for row in 0..<count where found.sizes[row] < bestSize[row] {
        bestSize[row] = found.sizes[row]
        for index in row * width..<(row + 1) * width { best[index] = found.pixels[index] }
      }
      search.go(on: found.sizes.map(\.isFinite))
    }
    return try .values(
      best, shape: rows.pixels.shape, dtype: rows.pixels.dtype, context: rows.pixels.context)
  }

  /// Adam's way for given constants: the smallest change of each row that succeeds, and its size;
  /// infinite where none did.
  private func minimized(
    _ rows: AttackRows, _ constants: [Double], _ network: AttackedNetwork
  ) throws -> (pixels: [Double], sizes: [Double]) {
    let (shape, dtype, context) = (rows.pixels.shape, rows.pixels.dtype, rows.pixels.context)
    let width = shape.dropFirst().count
    let space = TanhSpace(network.range)
    var w = try space.start(rows.pixels)
    var first = try Tensor.zeros(shape, dtype: dtype, context: context)
    var second = first
    var found = rows.pixels.doubles
    var sizes = [Double](repeating: .infinity, count: shape[0])
    for step in 1...max(options.steps, 1) {
      let leaf = w.detached().requiringGradient()
      let (x, outputs, squares, total) = try context.recording {
        let x = try space.pixels(leaf)
        let outputs = try network.outputs(x)
        let change = try x - rows.pixels
        let squares = try change.square().overRows { try $0.sum(axis: 1) }
        let margins = try Margins(outputs, rows.labels, options)
        return (x, outputs, squares, try squares.sum() + margins.weighted(outputs, constants))
      }
      let wrong = try Margins(outputs, rows.labels, options).areMet
      let (pixels, lengths) = (x.doubles, squares.doubles)
      for row in 0..<shape[0] where wrong[row] && lengths[row] < sizes[row] {
        sizes[row] = lengths[row]
        for index in row * width..<(row + 1) * width { found[index] = pixels[index] }
      }
      try context.backward(total)
      guard let gradient = leaf.gradient else { break }
      first = try first * 0.9 + gradient * 0.1
      second = try second * 0.999 + gradient.square() * 0.001
      let scale =
        (1 - PortableMath.pow(0.999, Double(step))).squareRoot()
        / (1 - PortableMath.pow(0.9, Double(step)))
      let root = try second.sqrt() + 1e-8 * (1 - PortableMath.pow(0.999, Double(step))).squareRoot()
      w = try w - first * (CarliniWagner.learningRate * scale) / root
    }
    return (found, sizes)
  }
}

/// The constants of rows between what was too little and what was enough.
private struct ConstantSearch {
  var constants: [Double]
  private var low: [Double]
  private var high: [Double]

  init(_ count: Int) {
    constants = [Double](repeating: CarliniWagner.firstConstant, count: count)
    low = [Double](repeating: 0, count: count)
    high = [Double](repeating: .infinity, count: count)
  }

  mutating func go(on succeeded: [Bool]) {
    for (row, isEnough) in succeeded.enumerated() {
      if isEnough {
        high[row] = min(high[row], constants[row])
      } else {
        low[row] = max(low[row], constants[row])
      }
      constants[row] =
        high[row].isFinite ? (low[row] + high[row]) / 2 : constants[row] * 10
    }
  }
}

/// The leads of the wrong class, row by row.
private struct Margins {
  /// The class to be lowered and the one to be raised.
  private let pairs: [(down: Int, up: Int)]
  /// The output of the first less that of the second.
  private let gaps: [Double]
  private let confidence: Double

  init(_ outputs: Tensor, _ labels: Tensor, _ options: AttackOptions) throws {
    let classes = outputs.shape.last
    let scores = outputs.doubles
    confidence = options.confidence
    pairs = labels.doubles.enumerated().map { row, label in
      let own = Int(label)
      let others = (0..<classes).filter { $0 != own }
      let best = others.max { scores[row * classes + $0] < scores[row * classes + $1] } ?? own
      return options.isTargeted ? (best, own) : (own, best)
    }
    gaps = pairs.enumerated().map { scores[$0 * classes + $1.down] - scores[$0 * classes + $1.up] }
  }

  /// For each row, true if the right class is behind by the margin.
  var areMet: [Bool] { gaps.map { $0 < 0 && $0 <= -confidence } }

  /// `Σ c · max(gap, -confidence)`, recorded.
  func weighted(_ outputs: Tensor, _ constants: [Double]) throws -> Tensor {
    let classes = outputs.shape.last
    var factors = [Double](repeating: 0, count: outputs.count)
    for (row, pair) in pairs.enumerated() where gaps[row] > -confidence {
      factors[row * classes + pair.down] += constants[row]
      factors[row * classes + pair.up] -= constants[row]
    }
    let factor = try Tensor.values(
      factors, shape: outputs.shape, dtype: outputs.dtype, context: outputs.context)
    return try (outputs * factor).sum()
  }
}

/// Numbers without bounds that stand for pixels within theirs.
private struct TanhSpace {
  private let middle: Double
  private let half: Double

  init(_ range: ClosedRange<Double>?) {
    let range = range ?? -1e3...1e3
    middle = (range.lowerBound + range.upperBound) / 2
    half = max((range.upperBound - range.lowerBound) / 2, 1e-300)
  }

  func pixels(_ w: Tensor) throws -> Tensor { try w.tanh() * half + middle }

  /// The number of each pixel; a little inside the bounds, where it would be infinite.
  func start(_ pixels: Tensor) throws -> Tensor {
    let shares = try ((pixels - middle) * (1 / half)).clamp(-1, 1) * 0.999999
    return try ((shares + 1) / (1 - shares)).log() * 0.5
  }
}
