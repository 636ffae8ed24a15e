import DLTensor
import DLTestSupport
import Testing

/// The float32 convolution, which picks direct, pointwise or unrolled kernels, against float64,
/// which never goes direct.
@Suite struct ConvolutionPathTests {
  /// Image, weight, stride, padding: narrow outputs go direct, 33 and more channels do not.
  static let cases: [(Shape, Shape, Size2d, Size2d)] = [
    ([3, 28, 28, 1], [5, 5, 1, 6], 1, 2), ([3, 14, 14, 6], [5, 5, 6, 16], 1, 0),
    ([2, 8, 8, 1], [3, 3, 1, 16], 1, 1), ([2, 8, 8, 16], [3, 3, 16, 32], 1, 1),
    ([2, 9, 7, 3], [3, 3, 3, 8], 2, 1), ([2, 9, 7, 3], [3, 5, 3, 8], Size2d(3, 2), Size2d(1, 2)),
    ([1, 5, 6, 2], [4, 3, 2, 1], 1, Size2d(3, 0)),
    ([2, 11, 13, 3], [7, 7, 3, 31], Size2d(1, 2), 3),
    ([2, 6, 5, 8], [3, 3, 8, 33], 1, 1), ([1, 4, 4, 60], [3, 3, 60, 9], 1, 1),
    ([2, 5, 4, 7], [1, 1, 7, 12], 1, 0), ([2, 5, 4, 7], [1, 1, 7, 12], 2, 0),
    ([5, 1, 1, 3], [3, 3, 3, 4], 1, 1), ([1, 40, 37, 2], [2, 2, 2, 5], 1, 0),
  ]

  @Test(arguments: cases)
  func precisionsAgree(_ image: Shape, _ weight: Shape, _ stride: Size2d, _ padding: Size2d) throws
  {
    Engine.current.select()
    var results: [[[Double]]] = []
    for dtype in [DType.float64, .float32] {
      let context = Context(precision: dtype)
      var stream = RandomStream(RandomKey(11))
      func draw(_ shape: Shape, _ scale: Double) throws -> Tensor {
        // Exact in float32, so that both precisions start from the same numbers.
        let values = (0..<shape.count).map { _ in Double(Float(scale * stream.normal())) }
        return try Tensor.values(values, shape: shape, context: context)
      }
      let x = try draw(image, 1).requiringGradient()
      let depth = Double(weight[0] * weight[1] * weight[2])
      let w = try draw(weight, 1 / depth.squareRoot()).requiringGradient()
      let b = try draw([weight[3]], 1).requiringGradient()
      // Twice, so that the second pass adds to the gradients of the first.
      for _ in 0..<2 {
        let y = try context.recording { try x.conv2d(w, bias: b, stride: stride, padding: padding) }
        let upstream = try draw(y.shape, 1)
        results.append([y.doubles])
        try context.backward(from: y, gradient: upstream)
      }
      results.append(try [x, w, b].map { try #require($0.gradient).doubles })
    }
    let half = results.count / 2
    for (exact, rough) in compared(results[..<half], results[half...]) {
      for (want, got) in compared(exact, rough) {
        // Sums over many positions cancel: the yardstick is the largest element.
        let scale = want.reduce(1e-3) { max($0, abs($1)) }
        let error = deviation(got, want) { _ in scale }
        #expect(error < 2e-6, "\(image) \(weight): \(error) of \(scale)")
      }
    }
  }

  /// Of windows so far apart that one alone sees something, in 10 GB of padding if it were written out.
  @Test(arguments: [1, 4]) func imagesLostInTheirPadding(groups: Int) throws {
    Engine.current.select()
    let context = Context()
    var stream = RandomStream(RandomKey(13))
    func draw(_ shape: Shape) throws -> Tensor {
      let values = (0..<shape.count).map { _ in stream.normal() }
      return try Tensor.values(values, shape: shape, context: context)
    }
    let image = try draw([1, 6, 6, 600]), weight = try draw([3, 3, 600 / groups, 40])
    let upstream = try draw([1, 1, 1, 40])
    var results: [[[Double]]] = []
    for isFar in [true, false] {
      let x = image.detached().requiringGradient()
      let w = weight.detached().requiringGradient()
      // The window in the middle begins at the image's first pixel.
      let y = try context.recording {
        isFar
          ? try x.conv2d(w, stride: 1024, padding: 1024, groups: groups)
          : try x.narrow(1, start: 0, length: 3).narrow(2, start: 0, length: 3)
            .conv2d(w, groups: groups)
      }
      #expect(y.shape == (isFar ? [1, 3, 3, 40] : [1, 1, 1, 40]))
      let middle =
        try isFar ? y.narrow(1, start: 1, length: 1).narrow(2, start: 1, length: 1) : y
      try context.backward(from: y, gradient: isFar ? spread(upstream) : upstream)
      results.append(try [middle.doubles] + [x, w].map { try #require($0.gradient).doubles })
    }
    for (far, near) in compared(results[0], results[1]) {
      let scale = near.reduce(1e-3) { max($0, abs($1)) }
      #expect(deviation(far, near) { _ in scale } < 2e-6)
    }
  }

  /// A gradient in the middle of 3 x 3 positions, the others zero.
  private func spread(_ middle: Tensor) throws -> Tensor {
    let zeros = [Double](repeating: 0, count: 4 * middle.count)
    return try .values(
      zeros + middle.doubles + zeros, shape: [1, 3, 3, middle.count], context: middle.context)
  }

  /// With few channels, products of bfloat16 are those of float32 of operands that were rounded.
  @Test func narrowConvolutionsRoundTheirOperands() throws {
    Engine.current.select()
    func rounded(_ value: Double) -> Double {
      guard value != 0 else { return 0 }
      let unit = 0x1p-7 * Double(sign: .plus, exponent: value.exponent, significand: 1)
      return (value / unit).rounded(.toNearestOrEven) * unit
    }
    for (image, weight, stride, padding) in Self.cases where min(weight[2], weight[3]) < 16 {
      // A product of single pixels is one of matrices.
      guard weight[0] * weight[1] > 1 || stride != 1 else { continue }
      var results: [[[Double]]] = []
      for isMixed in [true, false] {
        let context = Context()
        context.roundsProducts = isMixed
        var stream = RandomStream(RandomKey(12))
        func draw(_ shape: Shape) throws -> Tensor {
          let values = (0..<shape.count).map { _ in Double(Float(stream.normal())) }
          return try Tensor.values(
            isMixed ? values : values.map(rounded), shape: shape, context: context)
        }
        let x = try draw(image).requiringGradient(), w = try draw(weight).requiringGradient()
        let y = try context.recording { try x.conv2d(w, stride: stride, padding: padding) }
        let values = y.doubles
        try context.backward(from: y, gradient: draw(y.shape))
        results.append(
          [values] + (try [x, w].map { try #require($0.gradient).doubles }))
      }
      #expect(results[0] == results[1], "\(image) \(weight)")
    }
  }
}
