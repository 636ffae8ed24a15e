import CKernels
import Testing

struct ChecksumTests {
  /// The definition in the header, word by word.
  private func expected(_ bytes: [UInt8]) -> UInt64 {
    let factor: UInt64 = 0x9e37_79b9_7f4a_7c15
    func rotated(_ x: UInt64, _ by: UInt64) -> UInt64 { x << by | x >> (64 - by) }
    var lanes = [UInt64](repeating: 0, count: 16)
    for row in stride(from: 0, to: bytes.count, by: 128) {
      for lane in 0..<16 {
        var word: UInt64 = 0
        for byte in 0..<8 where row + 8 * lane + byte < bytes.count {
          word |= UInt64(bytes[row + 8 * lane + byte]) << (8 * UInt64(byte))
        }
        lanes[lane] = rotated(lanes[lane], 23) &+ word
      }
      if (row / 128 + 1).isMultiple(of: 64), row + 128 <= bytes.count {
        for lane in 0..<16 { lanes[lane] = lanes[lane] &* factor }
      }
    }
    let h = lanes.reduce(0) { rotated(($0 ^ $1) &* factor, 31) }
    return rotated((h ^ UInt64(bytes.count)) &* factor, 31)
  }

  private func bytes(_ count: Int) -> [UInt8] {
    var state: UInt64 = 7
    return (0..<count).map { _ in
      state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
      return UInt8(truncatingIfNeeded: state >> 40)
    }
  }

  @Test func isAsDefined() {
    for count in [0, 1, 4, 8, 127, 128, 129, 1000, 8191, 8192, 8193, 16 * 1024, 65_536 + 4] {
      let data = bytes(count + 8)
      for start in [0, 4, 1] {
        let part = Array(data[start..<start + count])
        let got = data.withUnsafeBytes { dl_checksum($0.baseAddress! + start, count) }
        #expect(got == expected(part), "\(count) bytes from \(start)")
      }
    }
  }

  @Test func everyFlippedBitIsFound() {
    var data = bytes(1100)
    let whole = dl_checksum(data, data.count)
    for bit in 0..<8 * data.count {
      data[bit / 8] ^= 1 << UInt8(bit % 8)
      #expect(dl_checksum(data, data.count) != whole, "bit \(bit)")
      data[bit / 8] ^= 1 << UInt8(bit % 8)
    }
  }

  @Test func exchangedWordsAndSignsAreFound() {
    var numbers = (0..<4096).map { Float($0 % 97) + 0.5 }
    let whole = dl_checksum(numbers, 4 * numbers.count)
    for distance in [1, 2, 16, 32, 64, 128, 1024, 2048, 4095] where numbers[distance] != 0.5 {
      numbers.swapAt(0, distance)
      #expect(dl_checksum(numbers, 4 * numbers.count) != whole, "at distance \(distance)")
      numbers.swapAt(0, distance)
    }
    // The same bit of many words, as of a line that is stuck.
    for every in [1, 2, 32, 64, 2048] {
      var other = numbers
      for index in stride(from: 1, to: numbers.count, by: every) { other[index].negate() }
      #expect(dl_checksum(other, 4 * other.count) != whole, "every \(every)")
    }
  }
}
