import Glibc

/// A sum of doubles without rounding, so that no order of adding them changes a bit.
///
/// A fixed-point number wide enough for every double, in limbs of 32 bits that are carried rarely
/// (Kulisch and Miranker 1981, "Computer Arithmetic in Theory and Practice"; Neal 2015, "Fast exact
/// summation using small and large superaccumulators").
public struct ExactSum: Sendable, Hashable {
  /// Limb k counts units of 2^(32k - 1074).
  private static let limbCount = 68
  /// Limbs stay below 2^62 within so many additions of less than 2^33 each.
  private static let carryInterval = 1 << 29

  private var limbs = [Int64](repeating: 0, count: ExactSum.limbCount)
  private var additions = 0
  /// Terms that are no number, infinite, and infinite below zero.
  private var nans = 0
  private var infinities = 0
  private var negativeInfinities = 0

  /// The sum of nothing.
  package init() {}

  /// Adds a term.
  package static func += (sum: inout ExactSum, term: Double) { sum.add(term) }

  private mutating func add(_ term: Double) {
    guard term.isFinite else {
      if term.isNaN {
        nans += 1
      } else if term > 0 {
        infinities += 1
      } else {
        negativeInfinities += 1
      }
      return
    }
    let exponent = Int(term.exponentBitPattern)
    // Subnormal numbers have the exponent of the smallest normal ones and no leading bit.
    let mantissa =
      term.significandBitPattern | (exponent == 0 ? 0 : 1 << Double.significandBitCount)
    let position = max(exponent - 1, 0)
    let (first, shift) = position.quotientAndRemainder(dividingBy: 32)
    let low = (mantissa & 0xFFFF_FFFF) << UInt64(shift)
    let high = (mantissa >> 32) << UInt64(shift)
    let parts = (low & 0xFFFF_FFFF, (low >> 32) + (high & 0xFFFF_FFFF), high >> 32)
    let sign: Int64 = term.sign == .minus ? -1 : 1
    limbs[first] += sign * Int64(parts.0)
    limbs[first + 1] += sign * Int64(parts.1)
    limbs[first + 2] += sign * Int64(parts.2)
    additions += 1
    if additions == ExactSum.carryInterval { carry() }
  }

  /// Brings every limb but the last into 0 ..< 2^32.
  private mutating func carry() {
    for index in 0..<ExactSum.limbCount - 1 {
      // An arithmetic shift rounds down.
      let over = limbs[index] >> 32
      limbs[index] -= over << 32
      limbs[index + 1] += over
    }
    additions = 0
  }

  /// The sum as integers below 2^53 that add up over ranks.
  var words: [Int] {
    var copy = self
    copy.carry()
    return copy.limbs.map { Int($0) } + [nans, infinities, negativeInfinities]
  }

  /// The number of ``words``.
  static let wordCount = limbCount + 3

  /// Takes sums of ``words``.
  init(words: some Collection<Int>) {
    let words = Array(words)
    limbs = words.prefix(ExactSum.limbCount).map { Int64($0) }
    nans = words[ExactSum.limbCount]
    infinities = words[ExactSum.limbCount + 1]
    negativeInfinities = words[ExactSum.limbCount + 2]
    carry()
  }

  /// The sum, rounded at the end alone.
  package var value: Double {
    if nans > 0 || infinities > 0 && negativeInfinities > 0 { return .nan }
    if infinities > 0 { return .infinity }
    if negativeInfinities > 0 { return -.infinity }
    var copy = self
    copy.carry()
    let isNegative = copy.limbs[ExactSum.limbCount - 1] < 0
    if isNegative {
      for index in copy.limbs.indices { copy.limbs[index].negate() }
      copy.carry()
    }
    guard let top = copy.limbs.lastIndex(where: { $0 != 0 }) else { return 0 }
    // Four limbs hold more than 96 bits of the sum; the rest is less than half a unit of the last.
    var magnitude = 0.0
    for index in stride(from: max(top - 3, 0), through: top, by: 1) {
      magnitude += scalbn(Double(copy.limbs[index]), Int32(32 * index - 1074))
    }
    return isNegative ? -magnitude : magnitude
  }
}
