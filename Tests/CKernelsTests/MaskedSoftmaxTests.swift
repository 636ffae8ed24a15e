import CKernels
import DLTestSupport
import Foundation
import Testing

struct MaskedSoftmaxTests {
  /// One way to mask; nil windows and lengths mask nothing.
  struct Mask: Sendable, CustomTestStringConvertible {
    var isCausal = false
    var window: Int?
    var valid: Int?
    var first = 0
    var hides = false

    var testDescription: String {
      "causal \(isCausal), window \(window ?? -1), valid \(valid ?? -1), first \(first), \(hides)"
    }

    func sees(_ query: Int, _ key: Int) -> Bool {
      let at = first + query
      if isCausal, key > at { return false }
      if let window, abs(key - at) > window { return false }
      if let valid, key >= valid { return false }
      return !(hides && isHidden(query, key))
    }

    func isHidden(_ query: Int, _ key: Int) -> Bool { query == 2 || (query * 7 + key) % 5 == 0 }
  }

  static let masks = [
    Mask(), Mask(isCausal: true), Mask(window: 3), Mask(isCausal: true, window: 20, first: 4),
    Mask(isCausal: true, first: -5), Mask(valid: 9), Mask(valid: 0), Mask(hides: true),
    Mask(isCausal: true, valid: 30, hides: true),
  ]

  /// The definition, row by row in double.
  static func softmax(_ row: [Double], _ mask: Mask, _ query: Int) -> [Double] {
    let seen = row.indices.filter { mask.sees(query, $0) }
    guard let most = seen.map({ row[$0] }).max() else { return row.map { _ in 0 } }
    let sum = seen.map { exp(row[$0] - most) }.reduce(0, +)
    return row.indices.map { mask.sees(query, $0) ? exp(row[$0] - most) / sum : 0 }
  }

  @Test(arguments: Element.allCases, masks)
  func rowsAreThoseOfTheDefinition(type: Element, mask: Mask) throws {
    for keys in [1, 5, 16, 17, 40, 64, 700] {
      let rows = 35
      let x = numbers(rows * keys).map { 4 * $0 }
      let expected = (0..<rows).flatMap {
        Self.softmax(Array(x[($0 * keys)..<(($0 + 1) * keys)]), mask, $0)
      }
      let y = try GuardedBuffer(type, x)
      Self.apply(mask, type, y, rows, keys)
      let tolerance = type.tolerance
      let (index, distance) = farthest(y.values, expected) { max(tolerance, tolerance * abs($0)) }
      #expect(distance <= 1, "\(keys) keys: [\(index)] is \(distance) times what is allowed away")
    }
  }

  /// What is infinite or no number makes no number of what its row sees, and leaves the rest 0.
  @Test(arguments: Element.allCases, [Double.infinity, .nan])
  func whatIsNotFiniteStaysWithinWhatIsSeen(type: Element, value: Double) throws {
    let mask = Mask(isCausal: true)
    for keys in [20, 64] {
      for place in [0, 3] {
        let rows = 6
        var x = numbers(rows * keys)
        x[4 * keys + place] = value
        let y = try GuardedBuffer(type, x)
        Self.apply(mask, type, y, rows, keys)
        let row = Array(y.values[(4 * keys)..<(5 * keys)])
        #expect(row.prefix(5).allSatisfy { $0.isNaN })
        #expect(row.dropFirst(5).allSatisfy { $0 == 0 })
        #expect(y.values[(5 * keys)...].allSatisfy { $0.isFinite })
      }
    }
  }

  static func apply(
    _ mask: Mask, _ type: Element, _ scores: GuardedBuffer, _ rows: Int, _ keys: Int
  ) {
    let allowed = (0..<(rows * keys)).map { UInt8(mask.isHidden($0 / keys, $0 % keys) ? 0 : 1) }
    allowed.withUnsafeBufferPointer { allowed in
      var c = dl_attention_mask()
      c.first = mask.first
      c.valid = mask.valid ?? keys
      c.causal = mask.isCausal ? 1 : 0
      c.window = mask.window ?? -1
      if mask.hides {
        c.allowed = allowed.baseAddress
        c.allowed_query = keys
        c.allowed_key = 1
      }
      dl_masked_softmax(type.c, &c, 0, rows, keys, scores.pointer)
    }
  }
}
