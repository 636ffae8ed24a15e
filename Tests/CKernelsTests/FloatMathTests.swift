import CKernels
import Foundation
import Testing

/// The functions of float against the C library's of double.
@Suite struct FloatMathTests {
  /// Numbers spread over an interval.
  private func numbers(_ range: ClosedRange<Float>, count: Int = 100_001) -> [Float] {
    (0..<count).map {
      range.lowerBound + (range.upperBound - range.lowerBound) * Float($0) / Float(count - 1)
    }
  }

  private func forward(_ op: dl_unary, _ x: [Float]) -> [Float] {
    var y = [Float](repeating: 0, count: x.count)
    dl_unary_forward(DL_F32, op, 0, x, &y, x.count)
    return y
  }

  @Test(arguments: [-87...88, -10...10, -1...1] as [ClosedRange<Float>])
  func exponentialsAreWithinTwoUnits(range: ClosedRange<Float>) {
    let functions: [(dl_unary, (Double) -> Double)] = [
      (DL_EXP, exp), (DL_TANH, tanh), (DL_ERF, erf),
    ]
    for (op, function) in functions {
      let x = numbers(range)
      for (index, y) in forward(op, x).enumerated() {
        let wanted = function(Double(x[index]))
        let unit = Double(max(Float(wanted).ulp, .leastNonzeroMagnitude))
        #expect(abs(Double(y) - wanted) <= 2 * unit, "op \(op.rawValue) of \(x[index]) is \(y)")
      }
    }
  }

  /// GELU and its slope, from the two sides of the place where the distribution's formula changes on.
  @Test func geluIsThatOfTheNormalDistribution() {
    let x = numbers(-12...12)
    var slopes = x
    let ones = [Float](repeating: 1, count: x.count)
    dl_unary_backward(DL_F32, DL_GELU, 0, x, nil, ones, &slopes, x.count, 0)
    for (index, y) in forward(DL_GELU, x).enumerated() {
      let value = Double(x[index])
      let below = erfc(-value / 2.0.squareRoot()) / 2
      #expect(abs(Double(y) - value * below) <= 1.5e-7 * max(1, abs(value)), "at \(value)")
      // Far out on the negative side the value keeps its digits, which a difference from 1 loses.
      if value < -2 { #expect(abs(Double(y) / (value * below) - 1) < 1e-5, "at \(value)") }
      let density = exp(-value * value / 2) / (2 * Double.pi).squareRoot()
      #expect(abs(Double(slopes[index]) - below - value * density) <= 3e-7, "slope at \(value)")
    }
  }

  @Test func whatIsNoNumberStaysSo() {
    for op in [DL_EXP, DL_TANH, DL_ERF, DL_GELU] {
      #expect(forward(op, [.nan])[0].isNaN)
    }
    #expect(forward(DL_EXP, [.infinity, -.infinity]) == [.infinity, 0])
    #expect(forward(DL_TANH, [.infinity, -.infinity]) == [1, -1])
    #expect(forward(DL_ERF, [.infinity, -.infinity]) == [1, -1])
    #expect(forward(DL_GELU, [.infinity])[0] == .infinity)
  }
}
