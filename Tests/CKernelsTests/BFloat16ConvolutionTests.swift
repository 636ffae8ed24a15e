import CKernels
import Testing

@Suite(.serialized) struct BFloat16ConvolutionTests {
  /// y, dx and dw, each also added to what is there; pixels lie `gap` values apart, as those of groups do.
  private func results(_ given: dl_conv_geometry, _ out: Int, gap: Int = 0) throws -> [[Double]] {
    var g = given
    let (from, to) = (g.c + gap, out + gap)
    let rows = g.n * g.oh * g.ow * to, weights = g.kh * g.kw * g.c * to
    let inputs = g.n * g.h * g.w * from
    let x = try GuardedBuffer(.f32, numbers(inputs, seed: 1))
    let w = try GuardedBuffer(.f32, numbers(weights, seed: 2))
    let dy = try GuardedBuffer(.f32, numbers(rows, seed: 3))
    let bias = try GuardedBuffer(.f32, numbers(out, seed: 4))
    var all: [[Double]] = []
    for accumulate in [Int32(0), 1] {
      let y = try GuardedBuffer(.f32, numbers(rows, seed: 5))
      let dx = try GuardedBuffer(.f32, numbers(inputs, seed: 6))
      let dw = try GuardedBuffer(.f32, numbers(weights, seed: 7))
      dl_conv_forward(
        DL_BF16, &g, x.pointer, from, w.pointer, accumulate == 0 ? nil : bias.pointer, accumulate,
        y.pointer, out, to)
      if g.stride_h == 1 || g.dilation_h == 1 {
        dl_conv_backward_input(
          DL_BF16, &g, dy.pointer, w.pointer, dx.pointer, from, out, to, accumulate)
      }
      dl_conv_backward_weight(
        DL_BF16, &g, x.pointer, from, dy.pointer, dw.pointer, out, to, accumulate)
      all += [y.values, dx.values, dw.values]
    }
    return all
  }

  @Test func everyVersionGivesTheSameBits() throws {
    defer { dl_cpu_use(DL_CPU_AMX) }
    for (g, out) in WindowProductTests.geometries + WindowProductTests.squares {
      for gap in [0, 3] {
        dl_cpu_use(DL_CPU_PORTABLE)
        let first = try results(g, out, gap: gap)
        for version in BFloat16.versions {
          version.use()
          #expect(try results(g, out, gap: gap) == first, "\(g), gap \(gap), \(version.name)")
        }
      }
    }
  }

  /// The terms of a window are those of a row that is written out, in the same order.
  @Test func forwardHasTheBitsOfAProduct() throws {
    for (given, out) in WindowProductTests.geometries {
      var g = given
      let rows = g.n * g.oh * g.ow, terms = g.kh * g.kw * g.c
      let x = Buffer(.f32, numbers(g.n * g.h * g.w * g.c, seed: 1))
      let w = Buffer(.f32, numbers(terms * out, seed: 2))
      let columns = Buffer(.f32, [Double](repeating: 0, count: rows * terms))
      let product = Buffer(.f32, [Double](repeating: 0, count: rows * out))
      dl_im2col(DL_F32, &g, x.pointer, g.c, 0, rows, columns.pointer)
      dl_gemm(
        DL_BF16, 0, 0, rows, out, terms, 1, columns.pointer, terms, w.pointer, out, 0,
        product.pointer, out)
      #expect(try results(g, out)[0] == product.values, "\(g)")
    }
  }

  /// What is rounded already has products of 16 bits: only the order of sums differs from the
  /// definition's in double.
  @Test func theyAreTheSumsOfRoundedOperands() throws {
    func rounded(_ values: [Double]) -> [Double] {
      values.map { Double(BFloat16.rounded(Float($0))) }
    }
    for (g, out) in WindowProductTests.geometries {
      let rows = g.n * g.oh * g.ow, terms = g.kh * g.kw * g.c
      let expected = ConvolutionTests.reference(
        g, out, rounded(numbers(g.n * g.h * g.w * g.c, seed: 1)),
        rounded(numbers(terms * out, seed: 2)), rounded(numbers(rows * out, seed: 3)))
      let found = try results(g, out)
      func check(_ values: [Double], _ wanted: [Double], _ terms: Int, _ what: String) {
        expectClose(
          Buffer(.f32, values), wanted, scale: Double(max(terms, 8)), "\(what) of \(g)")
      }
      check(found[0], expected.y, terms, "y")
      check(found[1], expected.dx, g.kh * g.kw * out, "dx")
      check(found[2], expected.dw, rows, "dw")
      check(found[4], numbers(found[4].count, seed: 6).adding(expected.dx, true), terms, "dx added")
      check(found[5], numbers(found[5].count, seed: 7).adding(expected.dw, true), rows, "dw added")
    }
  }
}
