import CKernels
import DLTestSupport
import Testing

/// The encoders of gradients, beside Swift's own half precision and plain sorting.
struct CompressionTests {
  /// Numbers of all magnitudes that a float has.
  private func wide(_ count: Int, seed: UInt64 = 1) -> [Float] {
    var state = seed &* 0x9E37_79B9_7F4A_7C15 &+ 1
    return (0..<count).map { _ in
      state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
      let value = Float(bitPattern: UInt32(truncatingIfNeeded: state >> 32))
      return value.isFinite ? value : 0
    }
  }

  @Test func bf16IsTheNearestAndTiesAreEven() {
    let special: [Float] = [
      0, -0.0, 1, 1.00390625, 1.01171875, -1.00390625, .leastNonzeroMagnitude,
      .leastNormalMagnitude, .greatestFiniteMagnitude, -.greatestFiniteMagnitude,
    ]
    for x in [special, wide(40_001)] {
      var error = x
      var coded = [UInt16](repeating: 0, count: x.count)
      dl_bf16_encode(&error, x.count, &coded)
      var decoded = [Float](repeating: 7, count: x.count)
      dl_bf16_decode(coded, x.count, &decoded)
      for i in x.indices {
        #expect(decoded[i] + error[i] == x[i])
        #expect(decoded[i].isFinite)
        // Neither neighbor is nearer; at a tie the last bit is 0.
        for other in [coded[i] &- 1, coded[i] &+ 1] {
          let neighbor = Float(bitPattern: UInt32(other) << 16)
          guard neighbor.isFinite else { continue }
          let (mine, its) = (abs(Double(error[i])), abs(Double(x[i]) - Double(neighbor)))
          #expect(mine < its || mine == its && coded[i] % 2 == 0 || x[i] == 0, "\(x[i])")
        }
      }
    }
  }

  #if !(os(macOS) && arch(x86_64))
    @Test func fp16IsSwiftsHalfOfTheScaledBlock() {
      for exponent in [-149, -140, -100, -20, 0, 20, 100, 127] {
        for count in [1, 7, 16, 1000] {
          let unit = Float(sign: .plus, exponent: exponent, significand: 1)
          let x = numbers(count, seed: UInt64(count)).enumerated().map { index, value in
            // Magnitudes down to where nothing is left.
            Float(value / 4) * unit * Float(sign: .plus, exponent: -(index % 50), significand: 1)
          }
          var error = x
          var coded = [UInt16](repeating: 0, count: count)
          var scale: Float = 0
          dl_fp16_encode(&error, count, &scale, &coded)
          #expect(scale.significand == 1)
          #expect(coded == x.map { Float16($0 * scale).bitPattern })
          var decoded = [Float](repeating: 7, count: count)
          dl_fp16_decode(scale, coded, count, &decoded)
          #expect(decoded == coded.map { Float(Float16(bitPattern: $0)) / scale })
          #expect(compared(zipped(decoded, error).map { $0 + $1 }, x).allSatisfy { $0 == $1 })
          let largest = x.map(abs).max() ?? 0
          if exponent > -90 { #expect(largest == 0 || (16_384..<32_768).contains(largest * scale)) }
        }
      }
    }

    @Test func everyHalfIsDecoded() {
      let all = (0...UInt16.max).map { $0 }
      var decoded = [Float](repeating: 0, count: all.count)
      dl_fp16_decode(1, all, all.count, &decoded)
      for (bits, value) in compared(all, decoded) {
        let expected = Float(Float16(bitPattern: bits))
        #expect(value == expected || value.isNaN && expected.isNaN)
      }
    }
  #endif

  @Test func whatIsNoNumberStaysSo() {
    for bad in [Float.nan, .infinity, -.infinity] {
      var coded: [UInt16] = [0, 0, 0]
      var scale: Float = 0
      var decoded: [Float] = [0, 0, 0]
      var x = [1, bad, 2]
      dl_bf16_encode(&x, 3, &coded)
      dl_bf16_decode(coded, 3, &decoded)
      #expect(!decoded[1].isFinite && decoded[0] == 1)
      x = [1, bad, 2]
      dl_fp16_encode(&x, 3, &scale, &coded)
      dl_fp16_decode(scale, coded, 3, &decoded)
      #expect(!decoded[1].isFinite && decoded[0] == 1)
      x = [1, bad, 2]
      var value: [Float] = [0]
      dl_top_k_encode(&x, 3, 1, &value, &coded)
      #expect(!value[0].isFinite && coded[0] == 1)
      x = [1, bad, 2]
      #expect(dl_add_finite(&x, [0, 0, 0], 3) == 0)
    }
    var x: [Float] = [.greatestFiniteMagnitude]
    #expect(dl_add_finite(&x, [.greatestFiniteMagnitude], 1) == 0)
    x = [1]
    #expect(dl_add_finite(&x, [2], 1) == 1 && x == [3])
    #expect(dl_add_finite(&x, [2], 0) == 1)
  }

  @Test func topKIsTheHeadOfAStableSort() {
    for count in [1, 2, 100, 4099, 65_536] {
      for kind in 0..<3 {
        let x: [Float] =
          switch kind {
          case 0: wide(count, seed: 3)
          case 1: numbers(count).map { Float(($0 * 3).rounded()) }
          default: [Float](repeating: 0, count: count)
          }
        for k in Set([1, (count + 9) / 10, count]) {
          let order = x.indices.sorted { (abs(x[$1]), $0) < (abs(x[$0]), $1) }
          let expected = order.prefix(k).sorted()
          var rest = x
          var values = [Float](repeating: 0, count: k)
          var places = [UInt16](repeating: 0, count: k)
          dl_top_k_encode(&rest, count, k, &values, &places)
          #expect(places.map(Int.init) == expected, "\(count), \(kind), \(k)")
          #expect(values == expected.map { x[$0] })
          var decoded = [Float](repeating: 7, count: count)
          dl_top_k_decode(values, places, k, count, &decoded)
          #expect(compared(decoded, rest).allSatisfy { $0 == 0 || $1 == 0 })
          #expect(zipped(decoded, rest).map { $0 + $1 } == x)
        }
      }
    }
    var decoded: [Float] = [0, 0]
    dl_top_k_decode([5], [2], 1, 2, &decoded)
    #expect(decoded[0].isNaN && decoded[1] == 0)
  }

  /// Rows that begin and end anywhere, of few columns and of more than are summed at a time.
  @Test(arguments: [
    (4096, 64, 0, 1), (4100, 64, 0, 3), (4100, 64, 63, 3), (16_384, 784, 500, 2),
    (16_384, 700, 0, 2), (1000, 16, 5, 4), (3, 2, 1, 1), (300, 1000, 400, 1), (512, 256, 255, 2),
  ])
  func aProductOfThinFactorsComesBack(count: Int, columns: Int, start: Int, rank: Int) {
    let shape = dl_rows(count: count, columns: columns, start: start)
    let rows = dl_row_count(shape)
    #expect(rows == (start + count + columns - 1) / columns)
    // A first or last row that is short adds one to the rank.
    let short = (start > 0 ? 1 : 0) + ((start + count) % columns > 0 ? 1 : 0)
    let inner = max(rank - short, 1)
    let (a, b) = (numbers(rows * inner, seed: 5), numbers(columns * inner, seed: 6))
    let x = (0..<count).map { i in
      let (r, c) = ((start + i) / columns, (start + i) % columns)
      return Float((0..<inner).reduce(0) { $0 + a[r * inner + $1] * b[c * inner + $1] })
    }
    var warm = [Float](repeating: 0, count: rank * columns)
    var left = [Float](repeating: 7, count: rank * rows)
    var right = [Float](repeating: 7, count: rank * columns)
    var error = x
    dl_low_rank_encode(&error, shape, rank, 9, &warm, &left, &right)
    #expect(warm == right)
    var decoded = [Float](repeating: 7, count: count)
    dl_low_rank_decode(left, right, shape, rank, &decoded)
    #expect(compared(zipped(x, decoded).map { $0 - $1 }, error).allSatisfy { $0 == $1 })
    if inner + short <= rank || rows <= rank {
      #expect(error.allSatisfy { abs($0) < 1e-3 }, "\(error.map(abs).max() ?? 0)")
    }
    for j in 0..<rank {
      for k in 0...j {
        let product = (0..<rows).reduce(0.0) {
          $0 + Double(left[j * rows + $1]) * Double(left[k * rows + $1])
        }
        #expect(abs(product - (j == k ? 1 : 0)) < 1e-4 || j == k && product == 0)
      }
    }
    // The factors are those of a plain sum: right = x^T left.
    for j in 0..<rank {
      for c in stride(from: 0, to: columns, by: 7) {
        let sum = (0..<count).reduce(0.0) {
          (start + $1) % columns == c
            ? $0 + Double(x[$1]) * Double(left[j * rows + (start + $1) / columns]) : $0
        }
        #expect(abs(sum - Double(right[j * columns + c])) < 1e-4)
      }
    }
  }

  @Test func columnsArePowersOfTwo() {
    let counts = [0, 1, 3, 4, 15, 16, 4608, 16_384, 65_536]
    #expect(counts.map { dl_low_rank_columns($0) } == [1, 1, 1, 2, 2, 4, 64, 128, 256])
  }

  /// A matrix of zeros has factors of zeros, and the next one is found all the same.
  @Test func zerosDoNotLast() {
    let count = 1024
    let shape = dl_rows(count: count, columns: 32, start: 0)
    var warm = [Float](repeating: 0, count: 64)
    var (left, right) = (warm, warm)
    var x = [Float](repeating: 0, count: count)
    dl_low_rank_encode(&x, shape, 2, 1, &warm, &left, &right)
    #expect(x.allSatisfy { $0 == 0 } && left.allSatisfy { $0 == 0 } && right.allSatisfy { $0 == 0 })
    x = [Float](repeating: 2, count: count)
    dl_low_rank_encode(&x, shape, 2, 1, &warm, &left, &right)
    #expect(x.allSatisfy { abs($0) < 1e-5 })
  }
}
