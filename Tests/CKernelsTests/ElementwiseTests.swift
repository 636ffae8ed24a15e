import CKernels
import DLTestSupport
import Foundation
import Testing

struct ElementwiseTests {
  @Test(arguments: Element.allCases, [false, true])
  func linearPasses(type: Element, accumulate: Bool) {
    for n in oddSizes {
      let x = numbers(n, seed: 1), b = numbers(n, seed: 2), y0 = numbers(n, seed: 3)
      let add: Int32 = accumulate ? 1 : 0
      let bx = Buffer(type, x), bb = Buffer(type, b)
      var y = Buffer(type, y0)
      dl_scale(type.c, 1.5, bx.pointer, y.pointer, n, add)
      expectClose(y, y0.adding(x.map { 1.5 * $0 }, accumulate))
      y = Buffer(type, y0)
      dl_multiply_add(type.c, bx.pointer, bb.pointer, y.pointer, n, add)
      expectClose(y, y0.adding(zipped(x, b).map { $0 * $1 }, accumulate))
      dl_axpy(type.c, -2, bx.pointer, bb.pointer, n)
      expectClose(bb, zipped(x, b).map { $1 - 2 * $0 })
      dl_clamp(type.c, -1, 0.5, bx.pointer, y.pointer, n)
      expectClose(y, x.map { min(max($0, -1), 0.5) })
      dl_copy(type.c, bx.pointer, y.pointer, n)
      expectClose(y, x)
      dl_fill(type.c, 3, y.pointer, n)
      expectClose(y, [Double](repeating: 3, count: n))
    }
  }

  /// Each function with its value, and the domain on which it is tried.
  static let functions: [(dl_unary, @Sendable (Double) -> Double, ClosedRange<Double>)] = [
    (DL_IDENTITY, { $0 }, -9...9),
    (DL_RELU, { max($0, 0) }, -9...9),
    (DL_LEAKY_RELU, { $0 > 0 ? $0 : 0.3 * $0 }, -9...9),
    (DL_RELU6, { min(max($0, 0), 6) }, -9...9),
    (DL_ELU, { $0 > 0 ? $0 : 0.3 * expm1($0) }, -9...9),
    (DL_SIGMOID, { 1 / (1 + exp(-$0)) }, -20...20),
    (DL_TANH, { tanh($0) }, -12...12),
    (DL_GELU, { $0 / 2 * (1 + erf($0 / 2.0.squareRoot())) }, -6...6),
    (
      DL_GELU_TANH,
      { $0 / 2 * (1 + tanh((2 / Double.pi).squareRoot() * ($0 + 0.044715 * $0 * $0 * $0))) },
      -6...6
    ),
    (DL_SILU, { $0 / (1 + exp(-$0)) }, -20...20),
    (DL_SOFTPLUS, { log1p(exp($0)) }, -20...20),
    (DL_HARD_SIGMOID, { min(max($0 + 3, 0), 6) / 6 }, -5...5),
    (DL_HARD_SWISH, { $0 * min(max($0 + 3, 0), 6) / 6 }, -5...5),
    (DL_EXP, { exp($0) }, -5...3),
    (DL_ERF, { erf($0) }, -4...4),
    (DL_LOG, { log($0) }, 0.5...9),
    (DL_SQRT, { $0.squareRoot() }, 0.5...9),
    (DL_RSQRT, { 1 / $0.squareRoot() }, 0.5...9),
    (DL_ABS, { abs($0) }, -9...9),
    (DL_SQUARE, { $0 * $0 }, -9...9),
    (DL_RECIPROCAL, { 1 / $0 }, 0.5...9),
    (DL_SELU, { 1.0507009873554805 * ($0 > 0 ? $0 : 1.6732632423543772 * expm1($0)) }, -9...9),
  ]

  @Test(arguments: Element.allCases, [false, true])
  func unaryAgreesWithTheFormulaAndFiniteDifferences(type: Element, accumulate: Bool) {
    for (op, f, domain) in Self.functions {
      for n in oddSizes {
        let width = domain.upperBound - domain.lowerBound
        // Kinks lie at multiples of 1; stay off them.
        let x = numbers(n).map {
          let v = Double(Float(domain.lowerBound + width * ($0 + 2) / 4))
          return abs(v - v.rounded()) < 0.01 ? v.rounded() + 0.0625 : v
        }
        let dy = numbers(n, seed: 5), before = numbers(n, seed: 6)
        let bx = Buffer(type, x), y = Buffer(type, x), g = Buffer(type, before)
        dl_unary_forward(type.c, op, 0.3, y.pointer, y.pointer, n)  // in place
        expectClose(y, x.map(f), scale: 2, "op \(op.rawValue)")
        dl_unary_backward(
          type.c, op, 0.3, bx.pointer, y.pointer, Buffer(type, dy).pointer, g.pointer, n,
          accumulate ? 1 : 0)
        let slopes = zipped(x, dy).map { (f($0 + 1e-5) - f($0 - 1e-5)) / 2e-5 * $1 }
        let limit = type == .f32 ? 3.0 : 3e4  // of the differences
        expectClose(g, before.adding(slopes, accumulate), scale: limit, "slope \(op.rawValue)")
      }
    }
  }

  @Test func floatExponentialsKeepTheirDigits() {
    let x = stride(from: -87.0, through: 88, by: 0.00917).map { Double(Float($0)) }
    let y = Buffer(.f32, x)
    dl_unary_forward(DL_F32, DL_EXP, 0, y.pointer, y.pointer, x.count)
    for (v, a) in compared(x, y.values) { #expect(abs(a / exp(v) - 1) < 3e-7, "exp(\(v))") }
    let z = stride(from: -9.0, through: 9, by: 0.00117).map { Double(Float($0)) }
    let t = Buffer(.f32, z)
    dl_unary_forward(DL_F32, DL_TANH, 0, t.pointer, t.pointer, z.count)
    for (v, a) in compared(z, t.values) where v != 0 {
      #expect(abs(a / tanh(v) - 1) < 3e-7, "tanh(\(v))")
    }
    // erf through gelu: 2 gelu(x) / x - 1.
    let e = Buffer(.f32, z)
    dl_unary_forward(DL_F32, DL_GELU, 0, e.pointer, e.pointer, z.count)
    for (v, a) in compared(z, e.values) where v > 0.1 {
      let exact = v / 2 * (1 + erf(v / 2.0.squareRoot()))
      #expect(abs(a / exact - 1) < 3e-7, "gelu(\(v))")
    }
    let edge = Buffer(.f32, [-200, -.infinity, 200, .infinity, .nan, -100])
    dl_unary_forward(DL_F32, DL_EXP, 0, edge.pointer, edge.pointer, 6)
    #expect(edge.values[0] == 0 && edge.values[1] == 0)
    #expect(edge.values[2] == .infinity && edge.values[3] == .infinity)
    #expect(edge.values[4].isNaN)
    #expect(abs(edge.values[5] - exp(-100)) < 2e-45)
  }

  /// Where the exponential is neither 0 nor infinite, and where it is; the slope written over x.
  @Test(arguments: Element.allCases)
  func geluWithItsSlopeIsBothOneByOne(type: Element) {
    // The sign of what is no number says nothing.
    func bits(_ x: Buffer) -> [UInt64] { x.values.map { $0.isNaN ? 1 : $0.bitPattern } }
    for op in [DL_GELU, DL_GELU_TANH] {
      for n in [0, 1, 7, 8, 33, 1000] {
        let far: [Double] = [-.infinity, -40, -12, -9.71, -0.0, 0, 9.71, 12, 40, .infinity, .nan]
        let x = Array((far + numbers(1000)).prefix(n))
        let (y, slope) = (Buffer(type, x), Buffer(type, x))
        dl_gelu_with_slope(type.c, op, slope.pointer, y.pointer, slope.pointer, n)
        let (value, gradient) = (Buffer(type, x), Buffer(type, x))
        let ones = Buffer(type, Array(repeating: 1, count: n))
        dl_unary_forward(type.c, op, 0, value.pointer, value.pointer, n)
        dl_unary_backward(
          type.c, op, 0, gradient.pointer, nil, ones.pointer, gradient.pointer, n, 0)
        #expect(bits(y) == bits(value))
        #expect(bits(slope) == bits(gradient))
      }
    }
  }

  @Test(arguments: Element.allCases)
  func biasAddsARowThenApplies(type: Element) {
    for (op, f, _) in Self.functions.prefix(10) {
      for (rows, cols) in [(0, 3), (1, 1), (5, 7), (3, 33)] {
        let x = numbers(rows * cols), b = numbers(cols, seed: 2)
        let y = Buffer(type, x)
        dl_bias_forward(
          type.c, op, 0.3, y.pointer, Buffer(type, b).pointer, rows, cols, y.pointer)
        expectClose(y, x.indices.map { f(x[$0] + b[$0 % max(cols, 1)]) }, scale: 2)
      }
    }
  }
}
