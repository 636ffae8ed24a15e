import CKernels
import Testing

struct PoolTests {
  static var geometries: [dl_conv_geometry] {
    [
      geometry(n: 2, h: 28, w: 28, c: 6, kh: 2, kw: 2, stride: 2),
      geometry(n: 2, h: 7, w: 9, c: 17, kh: 2, kw: 2, stride: 2),
      geometry(n: 1, h: 9, w: 8, c: 70, kh: 3, kw: 3, stride: 2, pad: 1),
      geometry(n: 2, h: 6, w: 6, c: 1, kh: 3, kw: 2, stride: 1, pad: 1, dilation: 2),
      geometry(n: 0, h: 6, w: 6, c: 3, kh: 2, kw: 2, stride: 2),
    ]
  }

  /// The offsets of the elements in the window of output element `i`, in order.
  static func window(_ g: dl_conv_geometry, _ i: Int) -> [Int] {
    let c = i % g.c, r = i / g.c
    let image = r / (g.oh * g.ow), oy = r / g.ow % g.oh, ox = r % g.ow
    var result: [Int] = []
    for ky in 0..<g.kh {
      for kx in 0..<g.kw {
        let iy = oy * g.stride_h + ky * g.dilation_h - g.pad_top
        let ix = ox * g.stride_w + kx * g.dilation_w - g.pad_left
        if iy >= 0, iy < g.h, ix >= 0, ix < g.w {
          result.append(((image * g.h + iy) * g.w + ix) * g.c + c)
        }
      }
    }
    return result
  }

  @Test(arguments: Element.allCases, [false, true])
  func maximum(type: Element, accumulate: Bool) {
    for geometry in Self.geometries {
      var g = geometry
      // Few distinct values, so that ties occur.
      var x = numbers(g.n * g.h * g.w * g.c).map { ($0 * 4).rounded() }
      if x.count > 50 { x[50] = .nan }
      let n = g.n * g.oh * g.ow * g.c, dy = numbers(n, seed: 2)
      let y = Buffer(type, dy), plain = Buffer(type, dy), dx = Buffer(type, numbers(x.count))
      var argmax = [Int32](repeating: -1, count: n + 1)
      dl_max_pool_forward(type.c, &g, Buffer(type, x).pointer, y.pointer, &argmax)
      dl_max_pool_forward(type.c, &g, Buffer(type, x).pointer, plain.pointer, nil)
      var gradient = x.map { _ in 0.0 }, best: [Double] = []
      for i in 0..<n {
        let places = Self.window(g, i)
        var at = places[0]
        for p in places where x[p] > x[at] || x[p].isNaN { at = p }
        best.append(x[at])
        gradient[at] += dy[i]
        let plane = g.h * g.w
        #expect(Int(argmax[i]) == at / g.c % plane)
      }
      expectClose(y, best)
      expectClose(plain, best)
      let before = dx.values
      dl_max_pool_backward(
        type.c, &g, Buffer(type, dy).pointer, argmax, dx.pointer, accumulate ? 1 : 0)
      expectClose(dx, before.adding(gradient, accumulate))
    }
  }

  /// Windows of 2 x 2 go several channels at a time: beside memory that cannot be touched they give
  /// what other ways through the kernels give.
  @Test(arguments: Element.allCases, [1, 3, 4, 6, 8, 9, 16, 21])
  func pairsStayWithinMemory(type: Element, channels: Int) throws {
    for (h, w) in [(2, 2), (6, 4), (7, 9)] {
      var g = geometry(n: 3, h: h, w: w, c: channels, kh: 2, kw: 2, stride: 2)
      let values = numbers(g.n * h * w * channels).map { ($0 * 4).rounded() }
      let results = numbers(g.n * g.oh * g.ow * channels, seed: 2)
      let x = try GuardedBuffer(type, values), y = try GuardedBuffer(type, results)
      let dy = try GuardedBuffer(type, results), dx = try GuardedBuffer(type, values)
      // The memory of positions, which are as wide as floats.
      let positions = try GuardedBuffer(.f32, results)
      let argmax = positions.pointer.assumingMemoryBound(to: Int32.self)
      dl_max_pool_forward(type.c, &g, x.pointer, y.pointer, argmax)
      let plain = Buffer(type, results), sums = Buffer(type, values.map { _ in 0 })
      dl_max_pool_forward(type.c, &g, x.pointer, plain.pointer, nil)
      #expect(y.values == plain.values, "\(g)")
      dl_max_pool_backward(type.c, &g, dy.pointer, argmax, dx.pointer, 0)
      dl_max_pool_backward(type.c, &g, dy.pointer, argmax, sums.pointer, 1)
      #expect(dx.values == sums.values, "\(g)")
    }
  }

  @Test(arguments: Element.allCases, [false, true])
  func average(type: Element, countPadding: Bool) {
    for geometry in Self.geometries {
      var g = geometry
      let x = numbers(g.n * g.h * g.w * g.c), n = g.n * g.oh * g.ow * g.c
      let dy = numbers(n, seed: 2), y = Buffer(type, dy)
      // One row and column fewer than there are, so that a window may end behind what counts.
      let counted = countPadding ? (g.h + 2 * g.pad_top - 1, g.w + 2 * g.pad_left - 1) : (0, 0)
      dl_avg_pool_forward(type.c, &g, Buffer(type, x).pointer, counted.0, counted.1, y.pointer)
      var gradient = x.map { _ in 0.0 }, means: [Double] = []
      for i in 0..<n {
        let places = Self.window(g, i)
        let (oy, ox) = (i / g.c / g.ow % g.oh, i / g.c % g.ow)
        let rows = (0..<g.kh).count { oy * g.stride_h + $0 * g.dilation_h < counted.0 }
        let columns = (0..<g.kw).count { ox * g.stride_w + $0 * g.dilation_w < counted.1 }
        let size = Double(countPadding ? rows * columns : places.count)
        means.append(places.map { x[$0] }.reduce(0, +) / size)
        for p in places { gradient[p] += dy[i] / size }
      }
      expectClose(y, means)
      for accumulate in [false, true] {
        let dx = Buffer(type, x)
        dl_avg_pool_backward(
          type.c, &g, Buffer(type, dy).pointer, counted.0, counted.1, dx.pointer,
          accumulate ? 1 : 0)
        expectClose(dx, x.adding(gradient, accumulate))
      }
    }
  }

  @Test(arguments: Element.allCases)
  func globalAverage(type: Element) {
    let (n, pixels, c) = (3, 49, 33)
    let x = numbers(n * pixels * c), dy = numbers(n * c, seed: 2)
    let y = Buffer(type, dy), dx = Buffer(type, x)
    dl_global_avg_pool_forward(type.c, Buffer(type, x).pointer, n, pixels, c, y.pointer)
    var means = dy.map { _ in 0.0 }
    for i in x.indices { means[i / (pixels * c) * c + i % c] += x[i] / Double(pixels) }
    expectClose(y, means)
    dl_global_avg_pool_backward(type.c, Buffer(type, dy).pointer, n, pixels, c, dx.pointer, 1)
    expectClose(
      dx, x.indices.map { x[$0] + dy[$0 / (pixels * c) * c + $0 % c] / Double(pixels) })
  }

  /// Also where outputs are more than inputs, so that neighbors have the same window.
  @Test(arguments: Element.allCases, [(3, 5), (17, 4), (2, 23), (19, 31)])
  func adaptive(type: Element, size: (height: Int, width: Int)) {
    var g = geometry(n: 2, h: 5, w: 7, c: 3, kh: 1, kw: 1)
    (g.oh, g.ow) = (size.height, size.width)
    var x = numbers(g.n * g.h * g.w * g.c).map { ($0 * 4).rounded() }
    x[50] = .nan
    let finite = x.map { $0.isNaN ? 0 : $0 }
    let n = g.n * g.oh * g.ow * g.c
    let zeros = [Double](repeating: 0, count: n)
    let y = Buffer(type, zeros), mean = Buffer(type, zeros)
    var argmax = [Int32](repeating: -1, count: n)
    dl_adaptive_max_pool_forward(type.c, &g, Buffer(type, x).pointer, y.pointer, &argmax)
    dl_adaptive_avg_pool_forward(type.c, &g, Buffer(type, finite).pointer, mean.pointer)
    var best: [Double] = [], means: [Double] = [], wanted: [Int] = []
    for i in 0..<n {
      let c = i % g.c, r = i / g.c
      let image = r / (g.oh * g.ow), oy = r / g.ow % g.oh, ox = r % g.ow
      func window(_ o: Int, _ size: Int, _ count: Int) -> Range<Int> {
        o * size / count..<((o + 1) * size + count - 1) / count
      }
      let places = window(oy, g.h, g.oh).flatMap { iy in
        window(ox, g.w, g.ow).map { iy * g.w + $0 }
      }
      let value = { (place: Int) in x[(image * g.h * g.w + place) * g.c + c] }
      var at = places[0]
      for p in places where value(p) > value(at) || value(p).isNaN { at = p }
      best.append(value(at))
      wanted.append(at)
      let sum = places.map { finite[(image * g.h * g.w + $0) * g.c + c] }.reduce(0, +)
      means.append(sum / Double(places.count))
    }
    expectClose(y, best)
    expectClose(mean, means)
    #expect(argmax == wanted.map { Int32($0) })
  }
}
