import CKernels
import DLTestSupport
import Testing

struct SumsTests {
  @Test(arguments: Element.allCases)
  func wholeSums(type: Element) {
    for n in oddSizes + [1000] {
      let a = numbers(n), b = numbers(n, seed: 2)
      let ba = Buffer(type, a), bb = Buffer(type, b)
      #expect(abs(dl_sum(type.c, ba.pointer, n) - a.reduce(0, +)) < 1e-9)
      let dot = zipped(a, b).map { $0 * $1 }.reduce(0, +)
      #expect(abs(dl_dot(type.c, ba.pointer, bb.pointer, n) - dot) < 1e-9)
      var partials = [Double](repeating: 0, count: (n + 15) / 16 + 1), nonfinite: Int32 = 0
      dl_square_sum_blocks(type.c, ba.pointer, n, 16, &partials, &nonfinite)
      #expect(nonfinite == 0)
      for k in 0..<(n + 15) / 16 {
        let block = a[(16 * k)..<min(16 * k + 16, n)].map { $0 * $0 }.reduce(0, +)
        #expect(abs(partials[k] - block) < 1e-9)
      }
    }
    for bad in [Double.nan, .infinity] {
      var x = numbers(40), partials = [0.0, 0, 0], nonfinite: Int32 = 0
      x[37] = bad
      dl_square_sum_blocks(type.c, Buffer(type, x).pointer, 40, 16, &partials, &nonfinite)
      #expect(nonfinite == 1)
    }
  }

  @Test(arguments: Element.allCases, [false, true])
  func axesAndColumns(type: Element, accumulate: Bool) {
    let shapes = [
      (0, 3, 2), (2, 0, 3), (1, 50, 1), (3, 9, 1), (2, 11, 6), (1, 131, 10), (2, 5, 300),
      (1, 7, 64),
    ]
    for (outer, axis, inner) in shapes {
      let x = numbers(outer * axis * inner), y0 = numbers(outer * inner, seed: 2)
      var sums = [Double](repeating: 0, count: outer * inner)
      for i in x.indices { sums[i / (axis * inner) * inner + i % inner] += x[i] }
      let y = Buffer(type, y0), bx = Buffer(type, x), add: Int32 = accumulate ? 1 : 0
      dl_sum_axes(type.c, bx.pointer, outer, axis, inner, 0.5, y.pointer, add)
      expectClose(y, y0.adding(sums.map { 0.5 * $0 }, accumulate))
      let dx = Buffer(type, x)
      dl_broadcast_axes(
        type.c, Buffer(type, y0).pointer, outer, axis, inner, 0.5, dx.pointer, add)
      let spread = x.indices.map { 0.5 * y0[$0 / (axis * inner) * inner + $0 % inner] }
      expectClose(dx, x.adding(spread, accumulate))
      if outer == 1 {
        let columns = Buffer(type, y0)
        dl_column_sums(type.c, bx.pointer, axis, inner, columns.pointer, add)
        expectClose(columns, y0.adding(sums, accumulate))
      }
    }
  }

  @Test(arguments: Element.allCases)
  func argmaxTakesTheFirstAndNaNFirst(type: Element) {
    let x: [Double] = [1, 3, 3, 0, .nan, 5, .nan, 9, -1, -2, -3, -4]
    var index = [Int32](repeating: -1, count: 3)
    dl_argmax_rows(type.c, Buffer(type, x).pointer, 3, 4, &index)
    #expect(index == [1, 0, 0])
  }
}
