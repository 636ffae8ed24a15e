import DLConfiguration
import DLLayers
import DLTensor
import Glibc

/// A network whose parameters follow in closed form from sums over the training rows.
///
/// The first step of a run makes one pass over all rows, shared out over the ranks, adds the sums of
/// blocks without rounding, and sets the parameters: they do not depend on the number of ranks.
package protocol FittedBySums: Layer {
  /// The number of sums.
  ///
  /// - Throws: ``TensorError`` where they are too many.
  func sumCount() throws -> Int

  /// True if all sums are counts: whole numbers, which add up without rounding by themselves.
  var sumsAreWhole: Bool { get }

  /// Adds the sums of some rows, in float64.
  ///
  /// - Parameters:
  ///   - inputs: `[rows, features]`, as the network gets them, tokens as their numbers.
  ///   - labels: the class of each row, or of each token.
  ///   - sums: ``sumCount()`` numbers to add to.
  func addSums(
    of inputs: UnsafeBufferPointer<Double>, labels: UnsafeBufferPointer<Int32>,
    to sums: UnsafeMutableBufferPointer<Double>)

  /// Sets the parameters from the sums over all rows.
  ///
  /// - Throws: ``TensorError`` where they do not decide on the parameters.
  func fit(_ sums: [Double]) throws
}

extension FittedBySums {
  /// Sums of any numbers.
  package var sumsAreWhole: Bool { false }
}

/// The Gaussian generative classifier: a normal distribution for each class, all of one covariance.
///
/// With the class means `μ_c`, the shared covariance `Σ` and the shares `π_c` of the classes, all by
/// maximum likelihood, the logarithm of `π_c · N(x; μ_c, Σ)` is but for a part that all classes share
/// `w_c · x + b_c`, `w_c = Σ⁻¹ μ_c`, `b_c = -½ μ_c · Σ⁻¹ μ_c + log π_c`: the logits of a softmax
/// regression. Bishop 2006, "Pattern Recognition and Machine Learning", sections 4.2.1 and 4.2.2.
/// Counterpart: scikit-learn's `LinearDiscriminantAnalysis`.
package struct GaussianOptions: ModelSpec {
  package static var name: String { "gaussian" }
  /// Added to the diagonal of the covariance.
  package var ridge = 0.0
  package init() {}

  package static var fields: [ConfigurationField<Self>] {
    [.init("ridge", \.ridge, .atLeast(0), "added to the variance of each feature")]
  }

  /// Makes the network for rows of any shape.
  ///
  /// - Throws: ``TensorError`` for labels of fewer than two classes, or rows of more features than
  ///   have a covariance that is kept.
  package func network(for input: Shape, classes: Int?) throws -> Module {
    guard let classes, classes >= 2 else {
      throw TensorError(op: Self.name, "needs labels of at least two classes in y")
    }
    guard input.count <= GaussianClassifier.maximumFeatures else {
      throw TensorError(
        op: Self.name,
        "rows have \(input.count) features, at most \(GaussianClassifier.maximumFeatures) have a "
          + "covariance that is kept; use smaller rows")
    }
    return GaussianClassifier(input: input, classes: classes, ridge: ridge)
  }
}

/// The logits of a Gaussian generative classifier, fitted by sums; see ``GaussianOptions``.
final class GaussianClassifier: Module, FittedBySums {
  static let maximumFeatures = 1024

  let linear: Linear
  let flatten = Flatten()
  private let input: Shape
  private let features: Int
  private let classes: Int
  private let ridge: Double

  init(input: Shape, classes: Int, ridge: Double) {
    (self.input, features, self.classes, self.ridge) = (input, input.count, classes, ridge)
    linear = Linear(inputFeatures: features, outputFeatures: classes)
    linear.weight.initializer = .zeros
    linear.bias?.initializer = .zeros
  }

  override var children: [(name: String, value: Any)] { [("linear", linear)] }

  func forward(_ x: Tensor) throws -> Tensor { try linear(flatten(x)) }

  func outputShape(for input: Shape) throws -> Shape { [classes] }

  /// Rows and inputs by class, and products of inputs.
  func sumCount() -> Int { classes + classes * features + features * features }

  func addSums(
    of inputs: UnsafeBufferPointer<Double>, labels: UnsafeBufferPointer<Int32>,
    to sums: UnsafeMutableBufferPointer<Double>
  ) {
    guard let x = inputs.baseAddress, let sums = sums.baseAddress, !labels.isEmpty else { return }
    let means = sums + classes
    for (row, label) in labels.enumerated() where label >= 0 && Int(label) < classes {
      sums[Int(label)] += 1
      let (mean, values) = (means + Int(label) * features, x + row * features)
      for feature in 0..<features { mean[feature] += values[feature] }
    }
    let products = means + classes * features
    var start = 0
    while start < labels.count {
      // Rows of no class count nowhere: the products are those of the stretches between them.
      func isCounted(_ row: Int) -> Bool { labels[row] >= 0 && Int(labels[row]) < classes }
      var end = start
      while end < labels.count, isCounted(end) { end += 1 }
      let rows = x + start * features
      gemm(
        .float64, transposeA: true, m: features, n: features, k: end - start, rows, lda: features,
        rows, ldb: features, beta: 1, products, ldc: features)
      start = end + 1
    }
  }

  func fit(_ sums: [Double]) throws {
    let counts = Array(sums[..<classes])
    let rows = counts.reduce(0, +)
    if let empty = counts.firstIndex(of: 0) {
      throw TensorError(
        op: GaussianOptions.name, "class \(empty) has no rows, and so no mean; set data.classes",
        path: path)
    }
    let means = (0..<classes).map { label in
      sums[classes + label * features..<classes + (label + 1) * features].map { $0 / counts[label] }
    }
    let products = sums[(classes + classes * features)...]
    var covariance = products.map { $0 / rows }
    for label in 0..<classes {
      let share = counts[label] / rows
      for i in 0..<features {
        for j in 0..<features {
          covariance[i * features + j] -= share * means[label][i] * means[label][j]
        }
      }
    }
    for i in 0..<features { covariance[i * features + i] += ridge }
    let factor = try CholeskyFactor(covariance, size: features)
    guard let factor else {
      throw TensorError(
        op: GaussianOptions.name,
        "the covariance of the inputs has no inverse: some are the same in all rows, or follow from "
          + "others; set model.ridge, as model.ridge=1e-3", path: path)
    }
    let weights = means.map { factor.solve($0) }
    let biases = (0..<classes).map { label in
      PortableMath.log(counts[label] / rows) - zip(means[label], weights[label]).reduce(0) {
        $0 + $1.0 * $1.1
      }
        / 2
    }
    let order = try flattenedOrder()
    try linear.weight.value.assign(weights.flatMap { row in order.map { row[$0] } })
    try linear.bias?.value.assign(biases)
  }
}

extension GaussianClassifier {
  /// The places in a row's memory that the linear layer gets its inputs from: flattening an image
  /// brings its channels to the front.
  private func flattenedOrder() throws -> [Int] {
    let context = try linear.weight.value.context
    return try context.withoutRecording {
      let places = try Tensor.values(
        (0..<features).map(Double.init), shape: input.prepending(1), context: context)
      return try flatten(places).doubles.map { Int($0) }
    }
  }
}

/// The lower triangle L of a symmetric positive definite matrix `A = L Lᵀ`.
private struct CholeskyFactor {
  private let size: Int
  private var lower: [Double]

  /// Factors a matrix of `size` rows; nil where it is not positive definite but for rounding.
  init?(_ matrix: [Double], size: Int) throws {
    self.size = size
    lower = [Double](repeating: 0, count: size * size)
    let largest = (0..<size).map { matrix[$0 * size + $0] }.max() ?? 0
    for i in 0..<size {
      for j in 0...i {
        var sum = matrix[i * size + j]
        for k in 0..<j { sum -= lower[i * size + k] * lower[j * size + k] }
        if i == j {
          // What is less than the rounding of the largest is none.
          guard sum.isFinite, sum > largest * 1e-14 * Double(size) else { return nil }
          lower[i * size + i] = sum.squareRoot()
        } else {
          lower[i * size + j] = sum / lower[j * size + j]
        }
      }
    }
  }

  /// The x of `A x = b`.
  func solve(_ b: [Double]) -> [Double] {
    var x = b
    for i in 0..<size {
      for k in 0..<i { x[i] -= lower[i * size + k] * x[k] }
      x[i] /= lower[i * size + i]
    }
    for i in stride(from: size - 1, through: 0, by: -1) {
      for k in i + 1..<size { x[i] -= lower[k * size + i] * x[k] }
      x[i] /= lower[i * size + i]
    }
    return x
  }
}
