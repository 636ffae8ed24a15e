import CKernels
import DLTestSupport
import Testing

struct NormTests {
  static let shapes = [(1, 3), (50, 1), (131, 6), (64, 10), (9, 33), (20, 300), (7, 64)]

  @Test(arguments: Element.allCases, [false, true])
  func batchNorm(type: Element, accumulate: Bool) {
    for (rows, c) in Self.shapes {
      let x = numbers(rows * c).map { $0 + 3 }, dy = numbers(rows * c, seed: 2)
      let residual = numbers(rows * c, seed: 7)
      let gamma = numbers(c, seed: 3), beta = numbers(c, seed: 4)
      let bx = Buffer(type, x), bdy = Buffer(type, dy)
      let bg = Buffer(type, gamma), bb = Buffer(type, beta)
      var mean = [Double](repeating: 0, count: c), m2 = mean, sumDy = mean, sumXhat = mean
      dl_batch_norm_moments(type.c, bx.pointer, rows, c, &mean, &m2)
      for j in 0..<c {
        let column = stride(from: j, to: x.count, by: c).map { x[$0] }
        let center = column.reduce(0, +) / Double(rows)
        #expect(abs(mean[j] - center) < 1e-12)
        #expect(abs(m2[j] - column.map { ($0 - center) * ($0 - center) }.reduce(0, +)) < 1e-10)
      }
      let invstd = m2.map { 1 / ($0 / Double(rows) + 1e-5).squareRoot() }
      let xhat = x.indices.map { (x[$0] - mean[$0 % c]) * invstd[$0 % c] }
      let y = Buffer(type, x)
      dl_batch_norm_normalize(
        type.c, bx.pointer, rows, c, mean, invstd, bg.pointer, bb.pointer, nil, 1, y.pointer)
      let affine = x.indices.map { xhat[$0] * gamma[$0 % c] + beta[$0 % c] }
      let size = rows == 1 ? 1000.0 : 30
      expectClose(y, affine.map { max($0, 0) }, scale: size)
      dl_batch_norm_normalize(
        type.c, bx.pointer, rows, c, mean, invstd, nil, nil, nil, 0, y.pointer)
      expectClose(y, xhat, scale: size)
      for relu in [false, true] {
        dl_batch_norm_normalize(
          type.c, bx.pointer, rows, c, mean, invstd, bg.pointer, bb.pointer,
          Buffer(type, residual).pointer, relu ? 1 : 0, y.pointer)
        let sum = zipped(affine, residual).map { $0 + $1 }
        expectClose(y, relu ? sum.map { max($0, 0) } : sum, scale: size)
      }
      let (byReLU, masked) = (Buffer(type, residual), Buffer(type, dy))
      var (sums, xhatSums) = (mean, mean)
      dl_batch_norm_backward_sums(
        type.c, bx.pointer, masked.pointer, byReLU.pointer, rows, c, mean, invstd, &sums, &xhatSums)
      #expect(
        masked.values == zipped(bdy.values, residual).map { $0 * ($1 > 0 ? 1 : 0) })
      dl_batch_norm_backward_sums(
        type.c, bx.pointer, masked.pointer, nil, rows, c, mean, invstd, &sumDy, &sumXhat)
      #expect(sums == sumDy && xhatSums == sumXhat)
      dl_batch_norm_backward_sums(
        type.c, bx.pointer, bdy.pointer, nil, rows, c, mean, invstd, &sumDy, &sumXhat)
      for j in 0..<c {
        let column = stride(from: j, to: x.count, by: c)
        #expect(abs(sumDy[j] - column.map { dy[$0] }.reduce(0, +)) < 1e-10)
        #expect(abs(sumXhat[j] - column.map { dy[$0] * xhat[$0] }.reduce(0, +)) < 1e-8)
      }
      for n in [Double(2 * rows), 0] {
        let dx = Buffer(type, residual)
        dl_batch_norm_backward_input(
          type.c, bx.pointer, bdy.pointer, rows, c, mean, invstd, bg.pointer, sumDy, sumXhat, n,
          dx.pointer, accumulate ? 1 : 0)
        let slopes = x.indices.map { i in
          let j = i % c, rest = n > 0 ? (sumDy[j] + xhat[i] * sumXhat[j]) / n : 0
          return gamma[j] * invstd[j] * (dy[i] - rest)
        }
        expectClose(dx, residual.adding(slopes, accumulate), scale: size)
      }
    }
  }

  @Test func momentsOfNoRowsAndOfAnOutlierFirst() {
    var mean = [1.0, 1], m2 = [1.0, 1]
    dl_batch_norm_moments(DL_F32, Buffer(.f32, []).pointer, 0, 2, &mean, &m2)
    #expect(mean == [0, 0] && m2 == [0, 0])
    let x = [1e6] + numbers(999)
    dl_batch_norm_moments(DL_F64, Buffer(.f64, x).pointer, 1000, 1, &mean, &m2)
    let center = x.reduce(0, +) / 1000
    #expect(abs(mean[0] / center - 1) < 1e-12)
    #expect(abs(m2[0] / x.map { ($0 - center) * ($0 - center) }.reduce(0, +) - 1) < 1e-12)
  }

  @Test(arguments: Element.allCases, [false, true])
  func layerNorm(type: Element, accumulate: Bool) {
    for (rows, d) in Self.shapes + [(0, 5)] where d > 1 {
      for affine in [false, true] {
        let x = numbers(rows * d).map { $0 + 1 }, dy = numbers(rows * d, seed: 2)
        let gamma = affine ? numbers(d, seed: 3) : [Double](repeating: 1, count: d)
        let beta = affine ? numbers(d, seed: 4) : [Double](repeating: 0, count: d)
        let before = numbers(rows * d, seed: 5)
        let bx = Buffer(type, x), bdy = Buffer(type, dy), y = Buffer(type, x)
        let mean = Buffer(type, numbers(rows)), rstd = Buffer(type, numbers(rows))
        let bg = affine ? Buffer(type, gamma) : nil, bb = affine ? Buffer(type, beta) : nil
        dl_layer_norm_forward(
          type.c, bx.pointer, rows, d, bg?.pointer, bb?.pointer, 1e-5, y.pointer, mean.pointer,
          rstd.pointer)
        var out: [Double] = [], dx: [Double] = []
        var dgamma = gamma.map { _ in 0.0 }, dbeta = dgamma
        for r in 0..<rows {
          let row = Array(x[(r * d)..<((r + 1) * d)]), n = Double(d)
          let m = row.reduce(0, +) / n
          let s = 1 / (row.map { ($0 - m) * ($0 - m) }.reduce(0, +) / n + 1e-5).squareRoot()
          let xhat = row.map { ($0 - m) * s }
          let u = (0..<d).map { dy[r * d + $0] * gamma[$0] }
          let a = u.reduce(0, +) / n, b = zipped(u, xhat).map { $0 * $1 }.reduce(0, +) / n
          for i in 0..<d {
            out.append(xhat[i] * gamma[i] + beta[i])
            dx.append(s * (u[i] - a - xhat[i] * b))
            dgamma[i] += dy[r * d + i] * xhat[i]
            dbeta[i] += dy[r * d + i]
          }
        }
        expectClose(y, out, scale: 10)
        let g = Buffer(type, before), g1 = Buffer(type, gamma), g2 = Buffer(type, beta)
        var scratch = [Double](repeating: .nan, count: 2 * d)
        dl_layer_norm_backward(
          type.c, bx.pointer, bdy.pointer, rows, d, bg?.pointer, mean.pointer, rstd.pointer,
          g.pointer, g1.pointer, g2.pointer, accumulate ? 1 : 0, &scratch)
        expectClose(g, before.adding(dx, accumulate), scale: 20)
        expectClose(g1, gamma.adding(dgamma, accumulate), scale: 20)
        expectClose(g2, beta.adding(dbeta, accumulate), scale: 20)
      }
    }
  }
}
