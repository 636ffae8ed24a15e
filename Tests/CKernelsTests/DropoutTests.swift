import CKernels
import DLTestSupport
import Testing

struct DropoutTests {
  /// Philox4x32-10 as published with Random123.
  static func philox(_ counter: [UInt32], _ key: UInt64) -> [UInt32] {
    var c = counter, k0 = UInt32(truncatingIfNeeded: key), k1 = UInt32(key >> 32)
    for _ in 0..<10 {
      let a = UInt64(c[0]) * 0xD251_1F53, b = UInt64(c[2]) * 0xCD9E_8D57
      c = [
        UInt32(b >> 32) ^ c[1] ^ k0, UInt32(truncatingIfNeeded: b),
        UInt32(a >> 32) ^ c[3] ^ k1, UInt32(truncatingIfNeeded: a),
      ]
      k0 &+= 0x9E37_79B9
      k1 &+= 0xBB67_AE85
    }
    return c
  }

  @Test func philoxKnownAnswers() {
    // From Random123's kat_vectors.
    #expect(
      Self.philox([0, 0, 0, 0], 0) == [0x6627_e8d5, 0xe169_c58d, 0xbc57_ac4c, 0x9b00_dbd8])
    #expect(
      Self.philox([.max, .max, .max, .max], .max)
        == [0x408f_276d, 0x41c8_3b0e, 0xa20b_c7c6, 0x6d54_51fd])
  }

  @Test(arguments: Element.allCases, [0, 0.3, 0.5, 1])
  func masksFollowTheGlobalRow(type: Element, p: Double) {
    let key: UInt64 = 0x0123_4567_89ab_cdef
    for (rows, cols) in [(0, 5), (3, 1), (2, 7), (3, 130)] {
      let first: UInt64 = (1 << 33) - 1  // rows on both sides of a carry
      let x = numbers(rows * cols), before = numbers(rows * cols, seed: 2)
      let expected = x.indices.map { i -> Double in
        let row = first + UInt64(i / cols), e = UInt64(i % cols)
        let words = Self.philox(
          [UInt32(e / 4), 0, UInt32(truncatingIfNeeded: row), UInt32(row >> 32)], key)
        return Double(words[Int(e % 4)]) / 4_294_967_296 >= p ? x[i] / (1 - p) : 0
      }
      let y = Buffer(type, x), g = Buffer(type, before)
      dl_dropout_forward(type.c, y.pointer, rows, cols, first, key, p, y.pointer)
      expectClose(y, expected)
      dl_dropout_backward(
        type.c, Buffer(type, x).pointer, rows, cols, first, key, p, g.pointer, 1)
      expectClose(g, zipped(before, expected).map { $0 + $1 })
    }
  }
}
