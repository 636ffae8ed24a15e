import CKernels
import Testing

struct LayoutTests {
  @Test(arguments: Element.allCases, [false, true])
  func transpositionAndPermutation(type: Element, accumulate: Bool) {
    let add: Int32 = accumulate ? 1 : 0
    for (rows, cols) in [(0, 4), (1, 7), (16, 16), (33, 50), (64, 17)] {
      let x = numbers(rows * cols), y0 = numbers(rows * cols, seed: 2), y = Buffer(type, y0)
      dl_permute(type.c, 2, [rows, cols], [1, 0], Buffer(type, x).pointer, y.pointer, add)
      let t = x.indices.map { x[$0 % rows * cols + $0 / rows] }
      expectClose(y, y0.adding(t, accumulate))
    }
    let cases: [([Int], [Int])] = [
      ([], []), ([5], [0]), ([2, 3, 4], [2, 0, 1]), ([2, 17, 20, 3], [0, 3, 1, 2]),
      ([2, 5, 4, 6], [0, 2, 1, 3]), ([2, 0, 3], [1, 2, 0]), ([1, 3, 1, 4], [3, 2, 1, 0]),
      ([2, 1, 2, 3, 1, 2, 2, 2], [7, 5, 3, 1, 0, 2, 4, 6]),
    ]
    for (shape, axes) in cases {
      let n = shape.reduce(1, *), x = numbers(n), y0 = numbers(n, seed: 2), y = Buffer(type, y0)
      dl_permute(type.c, shape.count, shape, axes, Buffer(type, x).pointer, y.pointer, add)
      let strides = BinaryTests.strides(shape, broadcast: false)
      let moved = BinaryTests.offsets(axes.map { shape[$0] }, axes.map { strides[$0] })
      expectClose(y, y0.adding(moved.map { x[$0] }, accumulate), "\(shape) \(axes)")
    }
  }

  @Test func castsConvert() {
    for n in oddSizes {
      let x = numbers(n), f = Buffer(.f32, x.map { _ in 0 }), d = Buffer(.f64, x.map { _ in 0 })
      dl_cast(DL_F64, Buffer(.f64, x).pointer, DL_F32, f.pointer, n)
      #expect(f.values == x)
      dl_cast(DL_F32, f.pointer, DL_F64, d.pointer, n)
      #expect(d.values == x)
    }
  }

  @Test func kernelSetFollowsTheCPU() {
    let features = dl_cpu_probe(), set = String(cString: dl_kernel_set())
    #expect(["avx512", "avx2", "portable"].contains(set))
    if set == "avx512" { #expect(features.avx512f == 1) }
    if set != "portable" { #expect(features.avx2 == 1 && features.fma == 1) }
  }
}
