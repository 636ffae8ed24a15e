import CKernels
import DLTensor
import Foundation
import Testing

/// The four words that belong to a counter and a key.
private enum Philox {
  static func block(
    counter: (UInt32, UInt32, UInt32, UInt32), key: (UInt32, UInt32)
  ) -> (UInt32, UInt32, UInt32, UInt32) {
    dl_philox(dl_philox_block(word: counter), key.0, key.1).word
  }
}

@Suite struct RandomTests {
  /// Random123's tests/kat_vectors, the rows `philox4x32 10`.
  @Test func philoxGivesItsKnownAnswers() {
    let zeros = Philox.block(counter: (0, 0, 0, 0), key: (0, 0))
    #expect(zeros == (0x6627_e8d5, 0xe169_c58d, 0xbc57_ac4c, 0x9b00_dbd8))
    let all = UInt32.max
    let ones = Philox.block(counter: (all, all, all, all), key: (all, all))
    #expect(ones == (0x408f_276d, 0x41c8_3b0e, 0xa20b_c7c6, 0x6d54_51fd))
    let pi = Philox.block(
      counter: (0x243f_6a88, 0x85a3_08d3, 0x1319_8a2e, 0x0370_7344),
      key: (0xa409_3822, 0x299f_31d0))
    #expect(pi == (0xd16c_fe09, 0x94fd_cceb, 0x5001_e420, 0x2412_6ea1))
  }

  @Test func streamIsTheBlocksInOrder() {
    let key = RandomKey(7).child("x")
    let half = (UInt32(truncatingIfNeeded: key.value), UInt32(truncatingIfNeeded: key.value >> 32))
    var stream = RandomStream(key, lane: 5)
    for counter in 0..<3 {
      let block = Philox.block(counter: (UInt32(counter), 0, 5, 0), key: half)
      #expect(stream.nextUInt32() == block.0)
      #expect(stream.nextUInt32() == block.1)
      #expect(stream.next() == UInt64(block.2) | UInt64(block.3) << 32)
    }
  }

  @Test func keysDependOnThePathAlone() {
    #expect(RandomKey(1).child("a").child(2) == RandomKey(1).child("a").child(2))
    var keys: Set<RandomKey> = []
    for seed in 0..<20 {
      keys.insert(RandomKey(seed))
      for index in -10..<10 {
        keys.insert(RandomKey(seed).child(index))
        keys.insert(RandomKey(seed).child("\(index)"))
        keys.insert(RandomKey(seed).child("a").child(index))
        keys.insert(RandomKey(seed).child(index).child("a"))
      }
    }
    #expect(keys.count == 20 + 4 * 400)
  }

  @Test func keysAreTheSameOnEveryMachine() {
    // SplitMix64's published first output for the state 0 is the mix of its increment.
    #expect(RandomKey(0).value == 0xe220_a839_7b1d_cdaf)
  }

  @Test func momentsOfTheDraws() {
    var stream = RandomStream(RandomKey(3))
    let count = 200_000
    var sums = [Double](repeating: 0, count: 4)
    var uniformSum = 0.0
    for _ in 0..<count {
      let value = stream.normal()
      for power in 1...4 { sums[power - 1] += Foundation.pow(value, Double(power)) }
      let uniform = stream.uniform()
      #expect(uniform >= 0 && uniform < 1)
      uniformSum += uniform
    }
    // Five standard errors: sqrt(Var[x^k] / n).
    let n = Double(count)
    #expect(abs(sums[0] / n) < 5 * (1 / n).squareRoot())
    #expect(abs(sums[1] / n - 1) < 5 * (2 / n).squareRoot())
    #expect(abs(sums[2] / n) < 5 * (15 / n).squareRoot())
    #expect(abs(sums[3] / n - 3) < 5 * (96 / n).squareRoot())
    #expect(abs(uniformSum / n - 0.5) < 5 * (1 / 12 / n).squareRoot())
  }

  @Test func upToIsUnbiasedAndInRange() {
    var stream = RandomStream(RandomKey(4))
    var counts = [Int](repeating: 0, count: 7)
    for _ in 0..<70_000 { counts[stream.upTo(7)] += 1 }
    let chiSquare = counts.map { Foundation.pow(Double($0) - 10_000, 2) / 10_000 }.reduce(0, +)
    // 6 degrees of freedom: exceeded by chance once in a million.
    #expect(chiSquare < 38)
    #expect(stream.upTo(1) == 0)
    let large = stream.upTo(Int.max)
    #expect(large >= 0 && large < Int.max)
    let value = stream.uniform(in: -2..<3)
    #expect(value >= -2 && value < 3)
  }

  @Test func everyOrderOfFourIsAsLikely() {
    var stream = RandomStream(RandomKey(5))
    var counts: [[Int]: Int] = [:]
    for _ in 0..<24_000 {
      var values = [0, 1, 2, 3]
      stream.shuffle(&values)
      counts[values, default: 0] += 1
    }
    #expect(counts.count == 24)
    let chiSquare = counts.values.map { Foundation.pow(Double($0) - 1000, 2) / 1000 }.reduce(0, +)
    // 23 degrees of freedom: exceeded by chance once in a million.
    #expect(chiSquare < 72)
  }
}
