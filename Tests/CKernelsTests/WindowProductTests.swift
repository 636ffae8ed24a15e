import CKernels
import DLTestSupport
import Testing

/// Convolutions as products of windows that are never written out, Winograd's, and those of few
/// channels with images abreast.
@Suite(.serialized) struct WindowProductTests {
  typealias Forward =
    @convention(c) (
      dl_dtype, UnsafePointer<dl_conv_geometry>?, UnsafeRawPointer?, Int, UnsafeRawPointer?,
      UnsafeRawPointer?, Int32, UnsafeMutableRawPointer?, Int, Int
    ) -> Void
  typealias BackwardInput =
    @convention(c) (
      dl_dtype, UnsafePointer<dl_conv_geometry>?, UnsafeRawPointer?, UnsafeRawPointer?,
      UnsafeMutableRawPointer?, Int, Int, Int, Int32
    ) -> Void
  typealias BackwardWeight =
    @convention(c) (
      dl_dtype, UnsafePointer<dl_conv_geometry>?, UnsafeRawPointer?, Int, UnsafeRawPointer?,
      UnsafeMutableRawPointer?, Int, Int, Int32
    ) -> Void

  /// The families of kernels, which have the same parameters.
  enum Family: CaseIterable {
    case windows, winograd, abreast

    var forward: Forward {
      switch self {
      case .windows: dl_conv_forward
      case .winograd: dl_winograd_forward
      case .abreast: dl_abreast_forward
      }
    }

    var backwardInput: BackwardInput {
      switch self {
      case .windows: dl_conv_backward_input
      case .winograd: dl_winograd_backward_input
      case .abreast: dl_abreast_backward_input
      }
    }

    var backwardWeight: BackwardWeight {
      switch self {
      case .windows: dl_conv_backward_weight
      case .winograd: dl_winograd_backward_weight
      case .abreast: dl_abreast_backward_weight
      }
    }

    /// What it is written for, of one type.
    func geometries(_ type: Element) -> [(dl_conv_geometry, Int)] {
      switch self {
      case .windows: WindowProductTests.geometries
      case .winograd: WindowProductTests.squares
      case .abreast: type == .f32 ? WindowProductTests.narrow : []
      }
    }
  }

  /// Few channels: batches that fill vectors of 8 and 16 images or do not, every size of a group of
  /// channels, images narrower than a tile, strides beyond the window, chains over parts of an image.
  static var narrow: [(dl_conv_geometry, Int)] {
    ConvolutionTests.geometries.filter { $0.0.dilation_h == 1 && $0.0.n > 0 } + [
      (geometry(n: 17, h: 28, w: 28, c: 1, kh: 5, kw: 5, pad: 2), 6),
      (geometry(n: 12, h: 14, w: 14, c: 6, kh: 5, kw: 5), 16),
      (geometry(n: 8, h: 9, w: 7, c: 3, kh: 3, kw: 2, stride: 2, pad: 1), 5),
      (geometry(n: 16, h: 4, w: 4, c: 2, kh: 3, kw: 3, pad: 1), 1),
      (geometry(n: 5, h: 6, w: 5, c: 7, kh: 3, kw: 3, pad: 1), 4),
      (geometry(n: 35, h: 7, w: 6, c: 3, kh: 5, kw: 5, stride: 3, pad: 3), 2),
      (geometry(n: 4, h: 8, w: 9, c: 12, kh: 2, kw: 2, stride: 3, pad: 1), 7),
      (geometry(n: 9, h: 30, w: 33, c: 4, kh: 4, kw: 4, stride: 2, pad: 1), 3),
      (geometry(n: 6, h: 1, w: 400, c: 5, kh: 1, kw: 5, pad: 2), 8),
      (geometry(n: 8, h: 3, w: 3, c: 2, kh: 3, kw: 3, pad: 5), 3),
      (geometry(n: 11, h: 1, w: 1, c: 1, kh: 1, kw: 1), 1),
    ]
  }

  /// Windows of 3 x 3 with stride 1: odd and even sides, channels beside whole vectors, chains of
  /// more than one block, more tiles than go together; the last ones by tiles of 2 x 2.
  static var squares: [(dl_conv_geometry, Int)] {
    [
      (geometry(n: 2, h: 8, w: 6, c: 64, kh: 3, kw: 3, pad: 1), 64),
      (geometry(n: 3, h: 5, w: 7, c: 1, kh: 3, kw: 3), 17),
      (geometry(n: 2, h: 9, w: 8, c: 21, kh: 3, kw: 3, pad: 2), 37),
      (geometry(n: 2, h: 4, w: 5, c: 401, kh: 3, kw: 3, pad: 1), 3),
      (geometry(n: 1, h: 4, w: 4, c: 3, kh: 3, kw: 3, pad: 1), 390),
      (geometry(n: 5, h: 19, w: 23, c: 70, kh: 3, kw: 3, pad: 1), 9),
      (geometry(n: 2, h: 3, w: 4, c: 4, kh: 3, kw: 3, pad: 5), 5),
      (geometry(n: 3, h: 12, w: 10, c: 16, kh: 3, kw: 3, pad: 1), 24),
      (geometry(n: 1, h: 3, w: 3, c: 2, kh: 3, kw: 3), 1),
      (geometry(n: 60, h: 6, w: 5, c: 33, kh: 3, kw: 3, pad: 1), 37),
      (geometry(n: 1, h: 9, w: 5, c: 401, kh: 3, kw: 3, pad: 1), 5),
      (geometry(n: 1, h: 5, w: 5, c: 7, kh: 3, kw: 3, pad: 1), 390),
      (geometry(n: 2, h: 4, w: 4, c: 160, kh: 3, kw: 3, pad: 1), 130),
    ]
  }

  static var geometries: [(dl_conv_geometry, Int)] {
    ConvolutionTests.geometries + [
      (geometry(n: 2, h: 9, w: 9, c: 20, kh: 3, kw: 3, stride: 2, pad: 1), 36),
      (geometry(n: 3, h: 4, w: 5, c: 65, kh: 3, kw: 3, pad: 1), 70),
      (geometry(n: 40, h: 4, w: 4, c: 5, kh: 3, kw: 3, pad: 1), 9),
      (geometry(n: 2, h: 12, w: 11, c: 13, kh: 3, kw: 2, pad: 2, dilation: 2), 18),
      (geometry(n: 1, h: 11, w: 9, c: 16, kh: 4, kw: 4, stride: 2, pad: 1), 8),
      (geometry(n: 1, h: 1, w: 800, c: 2, kh: 1, kw: 5, pad: 2), 3),
      (geometry(n: 2, h: 3, w: 3, c: 4, kh: 3, kw: 3, pad: 5), 5),
      (geometry(n: 2, h: 8, w: 8, c: 6, kh: 1, kw: 1, stride: 2), 7),
      (geometry(n: 1, h: 7, w: 6, c: 3, kh: 5, kw: 5, stride: 3, pad: 3), 4),
    ]
  }

  /// The results of one version: y, dx and dw, each also added to what is there.
  private func results(
    _ family: Family, _ type: Element, _ g: dl_conv_geometry, _ out: Int, _ level: dl_cpu_level_t
  ) throws -> [[Double]] {
    dl_cpu_use(level)
    var g = g
    let rows = g.n * g.oh * g.ow, weights = g.kh * g.kw * g.c * out, inputs = g.n * g.h * g.w * g.c
    let x = try GuardedBuffer(type, numbers(inputs, seed: 1))
    let w = try GuardedBuffer(type, numbers(weights, seed: 2))
    let dy = try GuardedBuffer(type, numbers(rows * out, seed: 3))
    let bias = try GuardedBuffer(type, numbers(out, seed: 4))
    var all: [[Double]] = []
    for accumulate in [Int32(0), 1] {
      let y = try GuardedBuffer(type, numbers(rows * out, seed: 5))
      let dx = try GuardedBuffer(type, numbers(inputs, seed: 6))
      let dw = try GuardedBuffer(type, numbers(weights, seed: 7))
      family.forward(
        type.c, &g, x.pointer, g.c, w.pointer, accumulate == 0 ? nil : bias.pointer, accumulate,
        y.pointer, out, out)
      if g.stride_h == 1 || g.dilation_h == 1 {
        family.backwardInput(
          type.c, &g, dy.pointer, w.pointer, dx.pointer, g.c, out, out, accumulate)
      }
      family.backwardWeight(
        type.c, &g, x.pointer, g.c, dy.pointer, dw.pointer, out, out, accumulate)
      all += [y.values, dx.values, dw.values]
    }
    return all
  }

  @Test(arguments: Element.allCases, Family.allCases)
  func everyVersionGivesTheSameBits(_ type: Element, _ family: Family) throws {
    defer { dl_cpu_use(DL_CPU_AMX) }
    for (g, out) in family.geometries(type) {
      let levels = cpuLevels()
      let first = try results(family, type, g, out, levels[0])
      for level in levels.dropFirst() {
        #expect(
          try results(family, type, g, out, level) == first, "\(g), version \(level.rawValue)")
      }
    }
  }

  @Test(arguments: Element.allCases, Family.allCases)
  func theyAreTheSumsOfTheDefinition(_ type: Element, _ family: Family) throws {
    for (g, out) in family.geometries(type) {
      let rows = g.n * g.oh * g.ow, terms = g.kh * g.kw * g.c
      let x = numbers(g.n * g.h * g.w * g.c, seed: 1), w = numbers(terms * out, seed: 2)
      let dy = numbers(rows * out, seed: 3), bias = numbers(out, seed: 4)
      let expected = ConvolutionTests.reference(g, out, x, w, dy)
      let found = try results(family, type, g, out, DL_CPU_AVX512)
      // The transforms of 4 x 4 results, float32's alone in use, have nearly twice the error of the sums.
      let factor = family == .winograd && type == .f32 ? 2.0 : 1
      func check(_ values: [Double], _ wanted: [Double], _ terms: Int, _ what: String) {
        expectClose(
          Buffer(type, values), wanted, scale: factor * Double(max(terms, 8)), "\(what) of \(g)")
      }
      check(found[0], expected.y, terms, "y")
      check(found[1], expected.dx, g.kh * g.kw * out, "dx")
      check(found[2], expected.dw, rows, "dw")
      let activated = expected.y.enumerated().map { max($1 + bias[$0 % out], 0) }
      check(found[3], activated, terms, "y with bias and ReLU")
      check(
        found[4], zipped(numbers(x.count, seed: 6), expected.dx).map { $0 + $1 }, terms, "dx added")
      check(
        found[5], zipped(numbers(w.count, seed: 7), expected.dw).map { $0 + $1 }, rows, "dw added")
    }
  }

  /// The terms of a window are those of a row that is written out, in the same order.
  @Test(arguments: Element.allCases, [Family.windows, .abreast])
  func forwardHasTheBitsOfAProduct(_ type: Element, _ family: Family) throws {
    for (given, out) in family.geometries(type) {
      var g = given
      let rows = g.n * g.oh * g.ow, terms = g.kh * g.kw * g.c
      let x = Buffer(type, numbers(g.n * g.h * g.w * g.c, seed: 1))
      let w = Buffer(type, numbers(terms * out, seed: 2))
      let columns = Buffer(type, [Double](repeating: 0, count: rows * terms))
      let product = Buffer(type, [Double](repeating: 0, count: rows * out))
      dl_im2col(type.c, &g, x.pointer, g.c, 0, rows, columns.pointer)
      dl_gemm(
        type.c, 0, 0, rows, out, terms, 1, columns.pointer, terms, w.pointer, out, 0,
        product.pointer, out)
      let y = Buffer(type, [Double](repeating: 0, count: rows * out))
      family.forward(type.c, &g, x.pointer, g.c, w.pointer, nil, 0, y.pointer, out, out)
      #expect(y.values == product.values, "\(g)")
    }
  }

  /// Results of an image, and its gradient, do not depend on the images beside it.
  @Test(arguments: Family.allCases)
  func anImageHasTheSameBitsInEveryBatch(_ family: Family) {
    let some = family == .winograd ? Self.squares : ConvolutionTests.geometries
    for (geometry, out) in some.prefix(3) + some.suffix(family == .winograd ? 3 : 0) {
      var many = geometry, one = geometry
      many.n = 21
      one.n = 1
      let image = one.h * one.w * one.c, result = one.oh * one.ow * out
      let x = Buffer(.f32, numbers(many.n * image))
      let w = Buffer(.f32, numbers(one.kh * one.kw * one.c * out, seed: 2))
      let dy = Buffer(.f32, numbers(many.n * result, seed: 3))
      let y = Buffer(.f32, dy.values), dx = Buffer(.f32, x.values)
      family.forward(DL_F32, &many, x.pointer, one.c, w.pointer, nil, 0, y.pointer, out, out)
      family.backwardInput(DL_F32, &many, dy.pointer, w.pointer, dx.pointer, one.c, out, out, 0)
      for k in 0..<many.n {
        let y1 = Buffer(.f32, numbers(result)), dx1 = Buffer(.f32, numbers(image))
        family.forward(
          DL_F32, &one, x.pointer + 4 * k * image, one.c, w.pointer, nil, 0, y1.pointer, out, out)
        family.backwardInput(
          DL_F32, &one, dy.pointer + 4 * k * result, w.pointer, dx1.pointer, one.c, out, out, 0)
        #expect(y1.values == Array(y.values[(k * result)..<((k + 1) * result)]))
        #expect(dx1.values == Array(dx.values[(k * image)..<((k + 1) * image)]))
      }
    }
  }
}
