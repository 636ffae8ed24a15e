import CKernels
import Testing

/// A geometry from the usual parameters, symmetric in both directions but for the sizes.
func geometry(
  n: Int, h: Int, w: Int, c: Int, kh: Int, kw: Int, stride: Int = 1, pad: Int = 0,
  dilation: Int = 1
) -> dl_conv_geometry {
  dl_conv_geometry(
    n: n, h: h, w: w, c: c, kh: kh, kw: kw, stride_h: stride, stride_w: stride, pad_top: pad,
    pad_left: pad, dilation_h: dilation, dilation_w: dilation,
    oh: (h + 2 * pad - dilation * (kh - 1) - 1) / stride + 1,
    ow: (w + 2 * pad - dilation * (kw - 1) - 1) / stride + 1)
}

struct ConvolutionTests {
  static var geometries: [(dl_conv_geometry, Int)] {
    [
      (geometry(n: 3, h: 28, w: 28, c: 1, kh: 5, kw: 5, pad: 2), 6),
      (geometry(n: 2, h: 14, w: 14, c: 6, kh: 5, kw: 5), 16),
      (geometry(n: 2, h: 9, w: 7, c: 3, kh: 3, kw: 2, stride: 2, pad: 1), 5),
      (geometry(n: 1, h: 8, w: 8, c: 2, kh: 3, kw: 3, pad: 1), 20),
      (geometry(n: 2, h: 5, w: 31, c: 4, kh: 1, kw: 1), 32),
      (geometry(n: 1, h: 1, w: 1, c: 1, kh: 1, kw: 1), 1),
      (geometry(n: 1, h: 10, w: 10, c: 2, kh: 3, kw: 3, pad: 2, dilation: 2), 3),
      (geometry(n: 2, h: 10, w: 11, c: 7, kh: 3, kw: 3, stride: 3), 9),
      (geometry(n: 0, h: 8, w: 8, c: 2, kh: 3, kw: 3), 4),
      (geometry(n: 1, h: 8, w: 8, c: 3, kh: 3, kw: 3, pad: 1), 40),
    ]
  }

  /// Sums of products for forward, dw and dx, straight from the definition.
  static func reference(
    _ g: dl_conv_geometry, _ out: Int, _ x: [Double], _ w: [Double], _ dy: [Double]
  ) -> (y: [Double], dw: [Double], dx: [Double]) {
    var y = dy.map { _ in 0.0 }, dw = w.map { _ in 0.0 }, dx = x.map { _ in 0.0 }
    for r in 0..<g.n * g.oh * g.ow {
      let image = r / (g.oh * g.ow), oy = r / g.ow % g.oh, ox = r % g.ow
      for ky in 0..<g.kh {
        for kx in 0..<g.kw {
          let iy = oy * g.stride_h + ky * g.dilation_h - g.pad_top
          let ix = ox * g.stride_w + kx * g.dilation_w - g.pad_left
          guard iy >= 0, iy < g.h, ix >= 0, ix < g.w else { continue }
          for c in 0..<g.c {
            let i = ((image * g.h + iy) * g.w + ix) * g.c + c
            let k = ((ky * g.kw + kx) * g.c + c) * out
            for o in 0..<out {
              y[r * out + o] += x[i] * w[k + o]
              dw[k + o] += x[i] * dy[r * out + o]
              dx[i] += w[k + o] * dy[r * out + o]
            }
          }
        }
      }
    }
    return (y, dw, dx)
  }

  @Test(arguments: Element.allCases)
  func columnsTimesWeightsIsTheConvolution(type: Element) {
    for (geometry, out) in Self.geometries {
      var g = geometry
      let x = numbers(g.n * g.h * g.w * g.c), w = numbers(g.kh * g.kw * g.c * out, seed: 2)
      let rows = g.n * g.oh * g.ow, k = g.kh * g.kw * g.c
      let dy = numbers(rows * out, seed: 4)
      let r = Self.reference(g, out, x, w, dy)
      let bx = Buffer(type, x), cols = Buffer(type, numbers(rows * k))
      let dx = Buffer(type, x.map { _ in 0 })
      let parts = [0, rows / 3, rows / 2, rows]
      for (begin, end) in zip(parts, parts.dropFirst()) {
        let at = cols.pointer + begin * k * type.size
        dl_im2col(type.c, &g, bx.pointer, g.c, begin, end, at)
      }
      let c = cols.values
      let y = (0..<rows * out).map { i in
        (0..<k).reduce(0.0) { $0 + c[i / out * k + $1] * w[$1 * out + i % out] }
      }
      expectClose(Buffer(.f64, y), r.y)
      let dcols = (0..<rows * k).map { i in
        (0..<out).reduce(0.0) { $0 + dy[i / k * out + $1] * w[i % k * out + $1] }
      }
      let bd = Buffer(type, dcols)
      for (begin, end) in zip(parts, parts.dropFirst()) {
        dl_col2im(type.c, &g, bd.pointer + begin * k * type.size, begin, end, dx.pointer, g.c)
      }
      expectClose(dx, r.dx, scale: 10)
    }
  }
}
