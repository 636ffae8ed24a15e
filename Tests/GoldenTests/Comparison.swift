import DLTensor
import Testing

/// The tolerances of a precision against PyTorch's float64 values.
struct Tolerance {
  let relative: Double
  let absolute: Double

  init(_ dtype: DType) {
    (relative, absolute) = dtype == .float64 ? (1e-9, 1e-12) : (1e-4, 1e-5)
  }

  /// The largest |got - want| in units of what is allowed; infinite where one is not a number or
  /// the counts differ.
  func excess(_ got: [Double], _ want: [Double]) -> Double {
    guard got.count == want.count else { return .infinity }
    var worst = 0.0
    for (a, b) in zip(got, want) {
      let ratio = abs(a - b) / (absolute + relative * abs(b))
      guard !ratio.isNaN else { return .infinity }
      worst = max(worst, ratio)
    }
    return worst
  }

  /// Expects `got` to equal `want` within the tolerance.
  func check(
    _ got: [Double], _ want: [Double], _ what: String,
    sourceLocation: SourceLocation = #_sourceLocation
  ) {
    let excess = excess(got, want)
    #expect(
      excess <= 1, "\(what): \(excess) times the tolerance", sourceLocation: sourceLocation)
  }
}
