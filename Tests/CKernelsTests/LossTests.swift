import CKernels
import DLTestSupport
import Foundation
import Testing

struct LossTests {
  static let shapes = [(0, 3), (3, 1), (5, 10), (4, 33), (2, 1000)]

  static func softmax(_ row: ArraySlice<Double>) -> [Double] {
    let most = row.max() ?? 0, e = row.map { exp($0 - most) }, sum = e.reduce(0, +)
    return e.map { $0 / sum }
  }

  @Test(arguments: Element.allCases, [false, true])
  func softmaxAndItsLogarithm(type: Element, accumulate: Bool) {
    for (rows, cols) in Self.shapes {
      let x = numbers(rows * cols).map { 5 * $0 }, dy = numbers(rows * cols, seed: 2)
      let before = numbers(rows * cols, seed: 3)
      let p = (0..<rows).flatMap { Self.softmax(x[($0 * cols)..<(($0 + 1) * cols)]) }
      let y = Buffer(type, x), l = Buffer(type, x), bdy = Buffer(type, dy)
      dl_softmax_forward(type.c, y.pointer, rows, cols, y.pointer)
      dl_log_softmax_forward(type.c, l.pointer, rows, cols, l.pointer)
      expectClose(y, p)
      expectClose(l, p.map { log($0) })
      var slopes: [Double] = [], logSlopes: [Double] = []
      for r in 0..<rows {
        let range = (r * cols)..<((r + 1) * cols)
        let dot = range.map { p[$0] * dy[$0] }.reduce(0, +)
        let sum = range.map { dy[$0] }.reduce(0, +)
        slopes += range.map { p[$0] * (dy[$0] - dot) }
        logSlopes += range.map { dy[$0] - p[$0] * sum }
      }
      let g = Buffer(type, before), add: Int32 = accumulate ? 1 : 0
      dl_softmax_backward(type.c, y.pointer, bdy.pointer, rows, cols, g.pointer, add)
      expectClose(g, before.adding(slopes, accumulate), scale: 3)
      let h = Buffer(type, before)
      dl_log_softmax_backward(type.c, l.pointer, bdy.pointer, rows, cols, h.pointer, add)
      expectClose(h, before.adding(logSlopes, accumulate), scale: 3)
    }
  }

  @Test(arguments: Element.allCases, [false, true])
  func crossEntropy(type: Element, accumulate: Bool) {
    for (rows, classes) in Self.shapes {
      let x = numbers(rows * classes).map { 5 * $0 }
      var labels = (0..<rows).map { Int32($0 * 7 % classes) }
      if rows > 2 { labels[1] = -100 }
      let bx = Buffer(type, x), p = Buffer(type, x), each = Buffer(type, numbers(rows))
      var sum = -1.0, sumOnly = -1.0, correct = -1, counted = -1
      let fault = dl_cross_entropy_forward(
        type.c, bx.pointer, labels, rows, classes, -100, &sum, p.pointer, each.pointer, &correct,
        &counted)
      #expect(fault == -1)
      dl_cross_entropy_forward(
        type.c, bx.pointer, labels, rows, classes, -100, &sumOnly, nil, nil, nil, nil)
      var losses: [Double] = [], gradient: [Double] = [], all: [Double] = [], right = 0
      for r in 0..<rows {
        let row = x[(r * classes)..<((r + 1) * classes)], q = Self.softmax(row)
        let label = Int(labels[r])
        all += q
        losses.append(label < 0 ? 0 : -log(q[label]))
        if label >= 0, row.firstIndex(of: row.max() ?? 0) == row.startIndex + label { right += 1 }
        gradient += q.indices.map { label < 0 ? 0 : 0.5 * (q[$0] - ($0 == label ? 1 : 0)) }
      }
      expectClose(p, all)
      expectClose(each, losses)
      let total = losses.reduce(0, +)
      #expect(abs(sum - total) < type.tolerance * 10 * max(1, total))
      #expect(abs(sumOnly - total) < type.tolerance * 10 * max(1, total))
      #expect(correct == right && counted == labels.count { $0 >= 0 })
      let before = numbers(rows * classes, seed: 4), g = Buffer(type, before)
      dl_cross_entropy_backward(
        type.c, p.pointer, labels, rows, classes, -100, 0.5, g.pointer, accumulate ? 1 : 0)
      expectClose(g, before.adding(gradient, accumulate))
    }
  }

  @Test(arguments: [Int32(-1), 3, .max, .min])
  func labelsOutsideAreReported(label: Int32) {
    var sum = 0.0
    let x = Buffer(.f32, numbers(9))
    #expect(
      dl_cross_entropy_forward(
        DL_F32, x.pointer, [0, label, 1], 3, 3, -100, &sum, nil, nil, nil, nil) == 1)
  }

  @Test(arguments: Element.allCases, [false, true])
  func squaresAndLogits(type: Element, accumulate: Bool) {
    for n in oddSizes {
      let x = numbers(n).map { 4 * $0 }, y = numbers(n, seed: 2).map { ($0 + 2) / 4 }
      let before = numbers(n, seed: 3), add: Int32 = accumulate ? 1 : 0
      let bx = Buffer(type, x), by = Buffer(type, y)
      let squares = zipped(x, y).map { ($0 - $1) * ($0 - $1) }.reduce(0, +)
      let limit = type.tolerance * 10 * Double(n + 1)
      #expect(abs(dl_mse_forward(type.c, bx.pointer, by.pointer, n) - squares) < limit * 10)
      var g = Buffer(type, before)
      dl_mse_backward(type.c, bx.pointer, by.pointer, n, 0.5, g.pointer, add)
      expectClose(g, before.adding(zipped(x, y).map { $0 - $1 }, accumulate))
      let logits = zipped(x, y).map { max($0, 0) - $0 * $1 + log1p(exp(-abs($0))) }.reduce(0, +)
      #expect(
        abs(dl_bce_with_logits_forward(type.c, bx.pointer, by.pointer, n) - logits) < limit)
      g = Buffer(type, before)
      dl_bce_with_logits_backward(type.c, bx.pointer, by.pointer, n, 0.5, g.pointer, add)
      expectClose(
        g, before.adding(zipped(x, y).map { 0.5 * (1 / (1 + exp(-$0)) - $1) }, accumulate))
    }
  }

  @Test(arguments: Element.allCases)
  func logarithmsOfCertaintyAreBounded(type: Element) {
    let x = Buffer(type, [0, 1]), y = Buffer(type, [1, 0]), g = Buffer(type, [0, 0])
    #expect(dl_pointwise_loss_forward(type.c, DL_LOSS_BCE, 0, 0, x.pointer, y.pointer, 2) == 200)
    dl_pointwise_loss_backward(
      type.c, DL_LOSS_BCE, 0, 0, x.pointer, y.pointer, 2, 1e-12, g.pointer, 0)
    expectClose(g, [-1, 1])
  }
}
