import CKernels
import Foundation
import Testing

/// The functions of double against the C library's, whose errors are below one unit in the last place.
@Suite struct DoubleMathTests {
  typealias Function = (Double) -> Double

  /// The distance of two values in units of the last place of the second.
  private func units(_ found: Double, _ expected: Double) -> Double {
    if found == expected || (found.isNaN && expected.isNaN) { return 0 }
    return abs(found - expected) / max(expected.ulp, .leastNonzeroMagnitude)
  }

  /// Checks `count` numbers spread over an interval, and those near 0 within it.
  private func check(
    _ name: String, _ function: Function, _ reference: Function, _ range: ClosedRange<Double>,
    within bound: Double, count: Int = 20_000
  ) {
    var worst = (distance: 0.0, at: 0.0)
    for index in 0...count {
      let share = Double(index) / Double(count)
      let x = range.lowerBound + (range.upperBound - range.lowerBound) * share
      for x in [x, x * 0x1p-9, x * 0x1p-31] where range.contains(x) {
        let distance = units(function(x), reference(x))
        if !(distance <= worst.distance) { worst = (distance, x) }
      }
    }
    #expect(worst.distance <= bound, "\(name)(\(worst.at)) is \(worst.distance) units off")
  }

  @Test func exponentialsAreThoseOfTheLibrary() {
    check("exp", dl_exp, exp, -745...709.7, within: 2)
    check("exp", dl_exp, exp, -1...1, within: 2)
    check("expm1", dl_expm1, expm1, -40...709.7, within: 2)
    check("expm1", dl_expm1, expm1, -1...1, within: 2)
    check("tanh", dl_tanh, tanh, -25...25, within: 5)
    check("tanh", dl_tanh, tanh, -1...1, within: 5)
    check("erf", dl_erf, erf, -7...7, within: 2)
    check("erf", dl_erf, erf, -1...1, within: 2)
  }

  @Test func logarithmsAreThoseOfTheLibrary() {
    check("log", dl_log, log, 1e-9...3, within: 2)
    check("log", dl_log, log, 0.9...1.1, within: 2)
    check("log", dl_log, log, .leastNonzeroMagnitude...1e-300, within: 2)
    check("log", dl_log, log, 1...1e300, within: 2)
    check("log1p", dl_log1p, log1p, -0.999...3, within: 2)
    check("log1p", dl_log1p, log1p, -1e-4...1e-4, within: 2)
  }

  @Test func sinesAreThoseOfTheLibrary() {
    check("sin", dl_sin, sin, -10...10, within: 2)
    check("cos", dl_cos, cos, -10...10, within: 2)
    check("sin", dl_sin, sin, -1e6...1e6, within: 3)
    check("cos", dl_cos, cos, 0...1e6, within: 3)
    #expect(dl_sin(1e300) == sin(1e300) && dl_cos(-1e19) == cos(-1e19))
  }

  @Test func powersAreThoseOfTheLibrary() {
    for base in [0.1, 0.5, 0.9, 0.999, 1.0, 1.5, 2, 10, 1e100] {
      for exponent in [-200.5, -65, -3, -1, -0.25, 0, 0.5, 1, 2, 3, 64, 65, 1000, 12345.5] {
        let expected = pow(base, exponent)
        let allowed = 4 + 2 * abs(exponent * log(base)) + abs(exponent)
        #expect(units(dl_pow(base, exponent), expected) <= allowed, "\(base)^\(exponent)")
      }
    }
    let special: [Double] = [0, -0.0, 1, -1, 2, -2, .infinity, -.infinity, .nan, 3, -3, 65, 100.5]
    for base in special {
      for exponent in special {
        let (found, expected) = (dl_pow(base, exponent), pow(base, exponent))
        let same = found == expected && found.sign == expected.sign
        #expect(
          same || (found.isNaN && expected.isNaN) || abs(found / expected - 1) < 1e-13,
          "\(base)^\(exponent) is \(found), the library's \(expected)")
      }
    }
  }

  @Test func theEndsOfTheDomainAreThoseOfTheLibrary() {
    let pairs: [(String, Function, Function)] = [
      ("exp", dl_exp, exp), ("expm1", dl_expm1, expm1), ("log", dl_log, log),
      ("log1p", dl_log1p, log1p), ("tanh", dl_tanh, tanh), ("erf", dl_erf, erf),
      ("sin", dl_sin, sin), ("cos", dl_cos, cos),
    ]
    for (name, function, reference) in pairs {
      for x in [
        0, -0.0, .infinity, -.infinity, .nan, 1e308, -1e308, .leastNonzeroMagnitude,
        -.leastNonzeroMagnitude, -746, 711,
      ] {
        let (found, expected) = (function(x), reference(x))
        #expect(
          (found.isNaN && expected.isNaN)
            || (units(found, expected) <= 2 && found.sign == expected.sign),
          "\(name)(\(x)) is \(found), the library's \(expected)")
      }
    }
  }
}
