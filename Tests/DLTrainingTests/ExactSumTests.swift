import DLTensor
import DLTraining
import Testing

@Suite struct ExactSumTests {
  private func sum(_ terms: [Double]) -> Double {
    var sum = ExactSum()
    for term in terms { sum += term }
    return sum.value
  }

  /// Sums whose rounded value is known, where one after the other loses all of it.
  @Test func nothingIsLost() {
    #expect(sum([1e16, 1, -1e16]) == 1)
    #expect(sum([1e308, 1e308, -1e308, -1e308, 3]) == 3)
    #expect(sum([1, 1e-300, -1]) == 1e-300)
    let least = Double.leastNonzeroMagnitude
    #expect(sum([-least, -least]) == -2 * least)
    #expect(sum([0.1, 0.2, 0.3, -0.6]) == 2.7755575615628914e-17)
    #expect(sum([]) == 0 && sum([-0.5]) == -0.5)
    #expect(sum([.greatestFiniteMagnitude]) == .greatestFiniteMagnitude)
    #expect(sum([.greatestFiniteMagnitude, .greatestFiniteMagnitude]) == .infinity)
  }

  @Test func noNumbersStayNoNumbers() {
    #expect(sum([.infinity, 1]) == .infinity && sum([-.infinity, 1]) == -.infinity)
    #expect(sum([.infinity, -.infinity]).isNaN && sum([.nan, 1]).isNaN)
  }

  /// Integers as scattered over exponents as doubles allow, beside sums of integers.
  @Test func orderDoesNotMatter() {
    var stream = RandomStream(RandomKey(5))
    let terms = (0..<2000).map { _ in
      (stream.normal() * 1e6).rounded() * (stream.upTo(2) == 0 ? 0x1p-20 : 0x1p30)
    }
    // Multiples of 2^-20 below 2^53 of them: 128-bit integers hold the sum.
    let exact = terms.reduce(Int128(0)) { $0 + Int128($1 * 0x1p20) }
    #expect(sum(terms) == Double(exact) * 0x1p-20)
    #expect(sum(terms.reversed()) == sum(terms))
    #expect(sum(terms.sorted()) == sum(terms))
  }
}
