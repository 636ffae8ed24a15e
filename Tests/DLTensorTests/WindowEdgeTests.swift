import DLTensor
import DLTestSupport
import Testing

/// Convolution, pooling and sampling at the edges: shapes that do not fit, batches without rows, one
/// pixel, numbers out of range.
@Suite struct WindowEdgeTests {
  private let context = Context(precision: .float64)

  private func zeros(_ shape: Shape) throws -> Tensor { try Tensor.zeros(shape, context: context) }

  @Test func convolutionsNameTheirShapes() throws {
    let x = try zeros([2, 5, 4, 6])
    expect("conv2d: kernel 3x2, dilated to 7x2, is larger than the padded input 5x6") {
      try x.conv2d(
        zeros([3, 2, 6, 4]), padding: .sides(top: 0, bottom: 0, left: 2, right: 0),
        dilation: Size2d(3, 1))
    }
    expect("conv2d: padding same needs stride 1, got 2x2") {
      try x.conv2d(zeros([3, 3, 6, 4]), stride: 2, padding: .same)
    }
    expect("conv2d: 6 input and 4 output channels do not divide into 3 groups") {
      try x.conv2d(zeros([3, 3, 2, 4]), groups: 3)
    }
    expect("conv2d: 6 input and 4 output channels do not divide into 0 groups") {
      try x.conv2d(zeros([3, 3, 2, 4]), groups: 0)
    }
    expect("conv2d: input has 6 channels in 2 groups, weight expects 6 in each") {
      try x.conv2d(zeros([3, 3, 6, 4]), groups: 2)
    }
    expect("conv1d: kernel 1x7 is larger than the padded input 1x6") {
      try zeros([2, 4, 3]).conv1d(zeros([7, 3, 2]), padding: 1)
    }
    expect(
      "conv1d: input has shape [2, 5, 4, 6], weight [3, 6, 2]; expected [batch, length, in] and "
        + "[kernel, in / groups, out]"
    ) { try x.conv1d(zeros([3, 6, 2])) }
    expect("conv_transpose2d: input has 6 channels, weight expects 4") {
      try x.convTranspose2d(zeros([3, 3, 6, 4]))
    }
    expect(
      "conv_transpose2d: output padding 2x0 must be smaller than the stride 2x2 or the dilation 1x1"
    ) { try x.convTranspose2d(zeros([3, 3, 2, 6]), stride: 2, outputPadding: Size2d(2, 0)) }
    expect(
      "conv_transpose2d: the output of an image of 5x4 would be -1x-2; use less padding"
    ) { try x.convTranspose2d(zeros([3, 3, 2, 6]), padding: 4) }
    expect("conv_transpose1d: bias has shape [3], weight expects [4]") {
      try zeros([1, 4, 2]).convTranspose1d(zeros([3, 2, 2]), bias: zeros([3]), groups: 2)
    }
  }

  @Test func poolingAndSamplingNameTheirShapes() throws {
    let x = try zeros([2, 5, 4, 6])
    expect("max_pool1d: kernel 1x5 is larger than the padded input 1x4") {
      try zeros([1, 4, 2]).maxPool1d(kernel: 5)
    }
    expect("avg_pool1d: input has shape [2, 5, 4, 6], expected [batch, length, channels]") {
      try x.avgPool1d(kernel: 2)
    }
    expect("adaptive_avg_pool2d: output size is 0x2, expected at least 1") {
      try x.adaptiveAvgPool2d(Size2d(0, 2))
    }
    expect(
      "global_max_pool1d: input has shape [2, 1, 0, 3], expected [batch, height, width, channels] "
        + "of one pixel or more"
    ) { try zeros([2, 0, 3]).globalMaxPool1d() }
    expect("upsample: cannot make an image of 0x3 from one of 5x4") {
      try x.upsample2d(to: Size2d(0, 3))
    }
    expect("upsample: factors 0.1 and 2.0 do not make an image of 5x4") {
      try x.upsample2d(by: Scale2d(0.1, 2))
    }
    expect(
      "pixel_shuffle: input has shape [5, 4, 6], expected [height, width, channels] with channels a "
        + "multiple of 2²"
    ) { try x.pixelShuffle(2) }
    expect(
      "pixel_unshuffle: input has shape [5, 4, 6], expected [height, width, channels] with height "
        + "and width multiples of 2"
    ) { try x.pixelUnshuffle(2) }
    expect(
      "zero_pad2d: padding must be at least 0 and below 2^31, got top 0, bottom 0, left -1, right 0"
    ) {
      try x.zeroPad2d(left: -1)
    }
    expect(
      "affine_grid: input has shape [2, 5, 4, 6], expected [batch, 2, 3] and a size of 1x1 or more, got 2x2"
    ) {
      try x.affineGrid(2)
    }
    expect(
      "grid_sample: input is float64 [2, 5, 4, 6], grid float64 [3, 2, 2, 2]; expected [batch, "
        + "height, width, channels] of one pixel or more and [batch, oh, ow, 2]"
    ) { try x.gridSample(zeros([3, 2, 2, 2])) }
  }

  /// A dilated window may step over a short image from the padding on one side to that on the other.
  @Test func windowsThatHoldOnlyPadding() throws {
    let fault = { (op: String, kernel: String, dilation: String, image: String) in
      "\(op): kernel \(kernel), dilated by \(dilation), has a window that holds only padding of an image "
        + "of \(image); use less padding or dilation"
    }
    for ceilMode in [false, true] {
      expect(fault("max_pool1d", "1x2", "1x2", "1x1")) {
        try zeros([1, 1, 2]).maxPool1d(
          kernel: 2, stride: 1, padding: 1, dilation: 2, ceilMode: ceilMode)
      }
    }
    expect(fault("max_pool1d", "1x3", "1x2", "1x1")) {
      try zeros([1, 1, 2]).maxPool1d(kernel: 3, padding: 1, dilation: 2, ceilMode: true)
    }
    expect(fault("max_pool2d", "2x2", "4x1", "3x4")) {
      try zeros([1, 3, 4, 2]).maxPool2d(
        Window2d(kernel: 2, padding: Size2d(1, 0), dilation: Size2d(4, 1)))
    }
    // Where every window has a tap in the image, none is minus infinity.
    for (length, kernel, stride, padding, dilation) in [
      (1, 3, 1, 1, 1), (2, 2, 1, 1, 2), (3, 2, 2, 1, 3), (4, 4, 3, 2, 2), (5, 5, 3, 2, 2),
    ] {
      for ceilMode in [false, true] {
        let y = try zeros([1, length, 1]).maxPool1d(
          kernel: kernel, stride: stride, padding: padding, dilation: dilation, ceilMode: ceilMode)
        #expect(y.count > 0 && y.doubles.allSatisfy { $0 == 0 })
      }
    }
  }

  @Test func overhangingWindowsNeedAPlaceToBegin() throws {
    let row = try zeros([1, 3, 2])
    #expect(try row.maxPool1d(kernel: 5, stride: 3, ceilMode: true).shape == [1, 1, 2])
    expect("avg_pool1d: kernel 1x5 is larger than the padded input 1x3") {
      try row.avgPool1d(kernel: 5, stride: 2, ceilMode: true)
    }
  }

  /// Numbers that would overflow a product or a counter are errors, not traps.
  @Test(arguments: [Int.max, Int.min, 1 << 40, -1])
  func numbersOutOfRange(_ n: Int) throws {
    let x = try zeros([1, 4, 4, 2])
    let (size, row) = (Size2d(n, 1), try zeros([1, 4, 2]))
    let weight = try zeros([3, 3, 2, 2])
    let attempts: [() throws -> Tensor] = [
      { try x.conv2d(weight, stride: size) }, { try x.conv2d(weight, padding: size) },
      { try x.conv2d(weight, dilation: size) }, { try x.conv2d(weight, groups: n) },
      { try x.conv2d(weight, padding: .sides(top: 0, bottom: n, left: 0, right: 0)) },
      { try x.convTranspose2d(weight, stride: size) },
      { try x.convTranspose2d(weight, padding: size) },
      { try x.convTranspose2d(weight, outputPadding: size) },
      { try x.convTranspose2d(weight, dilation: size) },
      { try x.convTranspose2d(weight, groups: n) },
      { try row.conv1d(zeros([3, 2, 2]), padding: Padding1d(n)) },
      { try row.maxPool1d(kernel: n) }, { try row.avgPool1d(kernel: 2, stride: n) },
      { try row.maxPool1d(kernel: n, ceilMode: true) },
      { try row.maxPool1d(kernel: 2, stride: n, ceilMode: true) },
      { try row.maxPool1d(kernel: 2, padding: n) }, { try row.maxPool1d(kernel: 2, dilation: n) },
      { try row.adaptiveAvgPool1d(n) }, { try x.adaptiveMaxPool2d(size) },
      { try x.upsample2d(to: size) }, { try x.upsample2d(by: Scale2d(Double(n), 1)) },
      { try row.upsample1d(to: n) }, { try x.upsample2d(by: Scale2d(.nan, 1)) },
      { try x.pixelShuffle(n) }, { try x.pixelUnshuffle(n) }, { try x.zeroPad2d(bottom: n) },
      { try zeros([1, 2, 3]).affineGrid(size) },
    ]
    for (index, attempt) in attempts.enumerated() {
      #expect(throws: TensorError.self, "\(index)") { try attempt() }
    }
  }

  @Test(arguments: [DType.float64, .float32])
  func batchesWithoutRows(dtype: DType) throws {
    let context = Context(precision: dtype)
    func zeros(_ shape: Shape) throws -> Tensor { try .zeros(shape, context: context) }
    let (x, row) = (try zeros([0, 4, 6, 4]), try zeros([0, 6, 4]))
    let results: [(Tensor, Shape)] = [
      (try x.conv2d(zeros([3, 3, 2, 6]), padding: .same, dilation: 2, groups: 2), [0, 4, 6, 6]),
      (try x.conv2d(zeros([3, 3, 1, 4]), groups: 4), [0, 2, 4, 4]),
      (try row.conv1d(zeros([3, 4, 2])), [0, 4, 2]),
      (try x.convTranspose2d(zeros([4, 4, 3, 4]), stride: 2, padding: 1), [0, 8, 12, 3]),
      (try row.convTranspose1d(zeros([4, 3, 4]), stride: 2, padding: 1), [0, 12, 3]),
      (try row.maxPool1d(kernel: 2), [0, 3, 4]), (try row.avgPool1d(kernel: 2), [0, 3, 4]),
      (try x.adaptiveAvgPool2d(3), [0, 3, 3, 4]), (try x.adaptiveMaxPool2d(3), [0, 3, 3, 4]),
      (try x.globalMaxPool2d(), [0, 4]), (try row.globalAvgPool1d(), [0, 4]),
      (try x.upsample2d(by: 2, .bilinear(alignCorners: false)), [0, 8, 12, 4]),
      (try x.pixelShuffle(2), [0, 8, 12, 1]), (try x.pixelUnshuffle(2), [0, 2, 3, 16]),
      (try x.zeroPad2d(top: 1), [0, 5, 6, 4]),
      (try x.gridSample(zeros([0, 2, 3]).affineGrid(3)), [0, 3, 3, 4]),
    ]
    for (index, (result, shape)) in results.enumerated() {
      #expect(result.shape == shape, "\(index)")
    }
  }

  /// Weights get a gradient of zeros from a batch without rows, not what their memory held.
  @Test(arguments: [1, 2, 4], [DType.float64, .float32])
  func weightsOfABatchWithoutRows(groups: Int, dtype: DType) throws {
    let context = Context(precision: dtype)
    func zeros(_ shape: Shape) throws -> Tensor { try .zeros(shape, context: context) }
    for kernel in [1, 3] {
      let weight = try zeros([kernel, kernel, 4 / groups, 4]).requiringGradient()
      let gradient = try Tensor.full(weight.shape, 7, context: context)
      weight.bindGradient(gradient)
      let y = try context.recording {
        try zeros([0, 5, 5, 4]).conv2d(weight, groups: groups)
      }
      try context.backward(from: y, gradient: zeros(y.shape))
      #expect(gradient.doubles.allSatisfy { $0 == 0 }, "kernel \(kernel)")
      gradient.assign([Double](repeating: 7, count: gradient.count))
      weight.resetGradient()
      let enlarged = try context.recording {
        try zeros([0, 5, 5, 4]).convTranspose2d(weight, stride: 2, groups: groups)
      }
      try context.backward(from: enlarged, gradient: zeros(enlarged.shape))
      #expect(gradient.doubles.allSatisfy { $0 == 0 }, "transposed, kernel \(kernel)")
    }
  }

  /// Places that are no numbers or far away read nothing, or the border, and trap nowhere.
  @Test func placesThatAreNoNumbers() throws {
    let x = try Tensor.full([1, 3, 4, 1], 2, context: context).requiringGradient()
    let places: [Double] = [.nan, 0, 0, .infinity, -.infinity, 1e300, 0, 0]
    let grid = try Tensor.values(places, shape: [1, 1, 4, 2], context: context)
      .requiringGradient()
    let y = try context.recording { try x.gridSample(grid) }
    #expect(y.doubles == [0, 0, 0, 2])
    try context.backward(from: y, gradient: Tensor.full(y.shape, 1, context: context))
    #expect(try #require(grid.gradient).doubles.allSatisfy { $0.isFinite })
    #expect(try x.gridSample(grid, padding: .border).doubles == [2, 2, 2, 2])
  }

  /// NaN wins in adaptive pooling as it does under a window.
  @Test func notANumberWins() throws {
    let x = try Tensor.values([1, .nan, 3, 4], shape: [1, 4, 1], context: context)
    #expect(try x.globalMaxPool1d().doubles[0].isNaN)
    #expect(try x.adaptiveMaxPool1d(2).doubles[1] == 4)
  }

  /// A transposed convolution is the transpose: ⟨conv(x), y⟩ = ⟨x, convᵀ(y)⟩ for the same weight.
  @Test(arguments: [1, 2, 6])
  func transposedIsTheTranspose(groups: Int) throws {
    Engine.current.select()
    for (stride, padding, dilation) in [(1, 0, 1), (2, 1, 1), (3, 2, 2)] {
      let (s, p, d) = (Size2d(stride, 1), Size2d(padding, 1), Size2d(1, dilation))
      var stream = RandomStream(RandomKey(UInt64(groups)))
      func draw(_ shape: Shape) throws -> Tensor {
        try Tensor.values(
          (0..<shape.count).map { _ in stream.normal() }, shape: shape, context: context)
      }
      let (x, w) = (try draw([2, 8, 7, 6]), try draw([3, 2, 6 / groups, 6]))
      let forward = try x.conv2d(w, stride: s, padding: p, dilation: d, groups: groups)
      let y = try draw(forward.shape)
      let reach = (forward.shape[1] - 1) * stride + 3 - 2 * padding
      let back = try y.convTranspose2d(
        w, stride: s, padding: p, outputPadding: Size2d(8 - reach, 0), dilation: d, groups: groups)
      let left = zipped(forward.doubles, y.doubles).reduce(0) { $0 + $1.0 * $1.1 }
      let right = zipped(x.doubles, back.doubles).reduce(0) { $0 + $1.0 * $1.1 }
      #expect(abs(left - right) < 1e-10 * max(1, abs(left)))
    }
  }
}
