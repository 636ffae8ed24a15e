import DLTensor
import DLTestSupport
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
  ///
  /// A case may have no elements.
  func excess(_ got: [Double], _ want: [Double]) -> Double {
    deviation(got, want, allowsNone: true) { absolute + relative * abs($0) }
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
