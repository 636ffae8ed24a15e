import CKernels

/// The plan of one convolution and its two gradients, chosen from its shapes.
///
/// A transposed convolution runs it the other way round: its output is the dense side.
struct ConvolutionPlan {
  private enum Method { case pointwise, abreast, depthwise, winograd, windows, unrolled }

  /// Output positions: the rows of the sparse side.
  let rows: Int
  private let dtype: DType
  /// The type that its products are computed in.
  private let product: dl_dtype
  /// True if operands are rounded to bfloat16 and products computed as those of float32.
  private let roundsOperands: Bool
  private let context: Context
  /// Of one group: `c` counts its channels only.
  private var geometry: dl_conv_geometry
  private let groups: Int
  /// Channels of the dense side, over all groups.
  private let inputs: Int
  /// Channels of the sparse side, over all groups.
  private let outputs: Int
  /// Values under one group's window.
  private let depth: Int
  /// Of the forward pass, the gradient by the weight and that by the input.
  private let methods: (forward: Method, weight: Method, input: Method)

  /// Rows of unrolled windows per block: 512 KiB stay in the second-level cache.
  private var blockRows: Int {
    max(16, min(rows, 524_288 / max(depth * dtype.byteCount, 1)))
  }

  /// The fewest channels of either side whose products are bfloat16's: packing takes longer for fewer.
  private static let bfloat16Channels = (products: 16, winograd: 128)

  /// Plans a window from `dense`, `[batch, height, width, in]`, to `sparse`, `[batch, oh, ow, out]`.
  init(op: String, dense: Tensor, window: Window2d, groups: Int, sparse: Tensor) throws {
    dtype = dense.dtype
    let wanted = dense.productType
    context = dense.context
    self.groups = groups
    (inputs, outputs) = (dense.shape[3], sparse.shape[3])
    geometry = try window.geometry(
      op: op, batch: dense.shape[0], height: dense.shape[1], width: dense.shape[2],
      channels: inputs / groups, output: Size2d(sparse.shape[1], sparse.shape[2]))
    try dense.requireCountable(op: op, sparse.shape)
    rows = sparse.shape[0] * sparse.shape[1] * sparse.shape[2]
    depth = window.kernel.height * window.kernel.width * (inputs / groups)
    let sides = try window.sides(op: op)
    if window.kernel == 1, window.stride == 1, sides == (0, 0, 0, 0),
      Size2d(dense.shape[1], dense.shape[2]) == Size2d(sparse.shape[1], sparse.shape[2])
    {
      methods = (.pointwise, .pointwise, .pointwise)
      (product, roundsOperands) = (wanted, false)
    } else if groups == inputs, groups == outputs, groups > 1 {
      methods = (.depthwise, .depthwise, .depthwise)
      (product, roundsOperands) = (wanted, false)
    } else {
      var geometry = geometry
      // float64 is there to be exact: Winograd's rounding tells equal values under a pooling window apart.
      let suitsWinograd =
        dtype == .float32 && dl_winograd_suits(&geometry, outputs / groups) != 0
      let least = Self.bfloat16Channels
      roundsOperands =
        wanted == DL_BF16
        && min(inputs, outputs) / groups < (suitsWinograd ? least.winograd : least.products)
      let product = roundsOperands ? dtype.kernel : wanted
      self.product = product
      let isLost = window.isMostlyPadding(
        sides, image: Size2d(geometry.h, geometry.w), grid: Size2d(geometry.oh, geometry.ow),
        pixelBytes: max(inputs, outputs) / groups * dtype.byteCount)
      let windows =
        (Engine.current == .native || wanted == DL_BF16) && depth > 0 && outputs > 0 && !isLost
        && (geometry.stride_h == 1 || geometry.dilation_h == 1)
        && (geometry.stride_w == 1 || geometry.dilation_w == 1)
      let winograd = windows && product != DL_BF16 && suitsWinograd
      let other: Method = winograd ? .winograd : windows ? .windows : .unrolled
      func method(_ abreast: Int32) -> Method {
        windows && groups == 1 && abreast != 0 ? .abreast : other
      }
      methods = (
        method(dl_abreast_suits_forward(product, &geometry, outputs)),
        method(dl_abreast_suits_weight(product, &geometry, outputs)),
        method(dl_abreast_suits_input(product, &geometry, outputs))
      )
    }
  }

  /// y = x ⋆ w + bias.
  func forward(
    _ x: UnsafeRawPointer, _ weight: UnsafeRawPointer, _ bias: Tensor?, _ y: Tensor, relu: Bool
  ) throws {
    let rounded = try rounded(x, denseCount, weight, depth * outputs)
    defer { withExtendedLifetime(rounded) {} }
    let (x, weight) = rounded?.pointers ?? (x, weight)
    switch methods.forward {
    case .abreast, .winograd, .windows:
      windows(x, weight, bias: bias?.pointer, relu: relu, into: y.pointer)
    case .pointwise, .depthwise, .unrolled:
      try compute(x, weight, into: y.pointer)
      y.addBias(bias, rows: rows, relu: relu)
    }
  }

  /// y = x ⋆ w into memory that holds nothing yet.
  func forward(
    _ x: UnsafeRawPointer, _ weight: UnsafeRawPointer, into y: UnsafeMutableRawPointer
  ) throws {
    let rounded = try rounded(x, denseCount, weight, depth * outputs)
    defer { withExtendedLifetime(rounded) {} }
    let (x, weight) = rounded?.pointers ?? (x, weight)
    try compute(x, weight, into: y)
  }

  /// The same of operands that were rounded where they are to be.
  private func compute(
    _ x: UnsafeRawPointer, _ weight: UnsafeRawPointer, into y: UnsafeMutableRawPointer
  ) throws {
    var geometry = geometry
    switch methods.forward {
    case .abreast, .winograd, .windows:
      windows(x, weight, bias: nil, relu: false, into: y)
    case .depthwise:
      geometry.c = inputs
      dl_depthwise_forward(dtype.kernel, &geometry, x, weight, y)
    case .pointwise:
      eachGroup { group in
        columnProduct(
          group.dense(x), inputs, group.weight(weight), into: group.sparse(y), rows: rows)
      }
    case .unrolled:
      try eachBlock { group, block, columns in
        dl_im2col(
          dtype.kernel, &geometry, group.dense(x), inputs, block.lowerBound, block.upperBound,
          columns)
        columnProduct(
          columns, depth, group.weight(weight), into: group.sparse(y) + offset(block),
          rows: block.count)
      }
    }
  }

  /// dw (+)= the gradient by the weight.
  func backwardWeight(
    _ x: UnsafeRawPointer, _ dy: UnsafeRawPointer, into dw: UnsafeMutableRawPointer,
    _ accumulate: Int32
  ) throws {
    let rounded = try rounded(x, denseCount, dy, rows * outputs)
    defer { withExtendedLifetime(rounded) {} }
    let (x, dy) = rounded?.pointers ?? (x, dy)
    var geometry = geometry
    switch methods.weight {
    case .abreast, .winograd, .windows:
      let kernel =
        switch methods.weight {
        case .abreast: dl_abreast_backward_weight
        case .winograd: dl_winograd_backward_weight
        default: dl_conv_backward_weight
        }
      eachGroup { group in
        kernel(
          product, &geometry, group.dense(x), inputs, group.sparse(dy), group.weight(dw),
          outputs / groups, outputs, accumulate)
      }
    case .depthwise:
      geometry.c = inputs
      let scratch = try Tensor.empty(
        [geometry.kh * geometry.kw * inputs], dtype: .float64, context: context)
      dl_depthwise_backward_weight(
        dtype.kernel, &geometry, x, dy, dw, accumulate, scratch.float64s)
    case .pointwise:
      eachGroup { group in
        weightProduct(
          group.dense(x), inputs, group.sparse(dy), into: group.weight(dw), rows: rows,
          Double(accumulate))
      }
    case .unrolled:
      if rows == 0, accumulate == 0 { dl_fill(dtype.kernel, 0, dw, depth * outputs) }
      try eachBlock { group, block, columns in
        dl_im2col(
          dtype.kernel, &geometry, group.dense(x), inputs, block.lowerBound, block.upperBound,
          columns)
        weightProduct(
          columns, depth, group.sparse(dy) + offset(block), into: group.weight(dw),
          rows: block.count, block.lowerBound == 0 ? Double(accumulate) : 1)
      }
    }
  }

  /// dx (+)= the gradient by the input.
  func backwardInput(
    _ dy: UnsafeRawPointer, _ weight: UnsafeRawPointer, into dx: UnsafeMutableRawPointer,
    _ accumulate: Int32
  ) throws {
    let rounded = try rounded(dy, rows * outputs, weight, depth * outputs)
    defer { withExtendedLifetime(rounded) {} }
    let (dy, weight) = rounded?.pointers ?? (dy, weight)
    var geometry = geometry
    switch methods.input {
    case .abreast, .winograd, .windows:
      let kernel =
        switch methods.input {
        case .abreast: dl_abreast_backward_input
        case .winograd: dl_winograd_backward_input
        default: dl_conv_backward_input
        }
      eachGroup { group in
        kernel(
          product, &geometry, group.sparse(dy), group.weight(weight), group.dense(dx), inputs,
          outputs / groups, outputs, accumulate)
      }
    case .depthwise:
      geometry.c = inputs
      dl_depthwise_backward_input(dtype.kernel, &geometry, dy, weight, dx, accumulate)
    case .pointwise:
      eachGroup { group in
        inputProduct(
          group.sparse(dy), group.weight(weight), into: group.dense(dx), inputs, rows: rows,
          Double(accumulate))
      }
    case .unrolled:
      if accumulate == 0 { dl_fill(dtype.kernel, 0, dx, denseCount) }
      try eachBlock { group, block, columns in
        inputProduct(
          group.sparse(dy) + offset(block), group.weight(weight), into: columns, depth,
          rows: block.count, 0)
        dl_col2im(
          dtype.kernel, &geometry, columns, block.lowerBound, block.upperBound, group.dense(dx),
          inputs)
      }
    }
  }
}

extension ConvolutionPlan {
  /// Two operands of a product, rounded to bfloat16.
  private struct RoundedOperands {
    let first, second: Tensor

    var pointers: (UnsafeRawPointer, UnsafeRawPointer) {
      (UnsafeRawPointer(first.pointer), UnsafeRawPointer(second.pointer))
    }
  }

  /// Elements of the dense side.
  private var denseCount: Int { geometry.n * geometry.h * geometry.w * inputs }

  /// Rounded copies of two operands; nil where products take them as they are.
  private func rounded(
    _ first: UnsafeRawPointer, _ firstCount: Int, _ second: UnsafeRawPointer, _ secondCount: Int
  ) throws -> RoundedOperands? {
    guard roundsOperands else { return nil }
    func copy(_ values: UnsafeRawPointer, _ count: Int) throws -> Tensor {
      let copy = try Tensor.empty([count], dtype: dtype, context: context)
      dl_bfloat16_operand(
        values.assumingMemoryBound(to: Float.self), count,
        copy.pointer.assumingMemoryBound(to: Float.self))
      return copy
    }
    return try RoundedOperands(first: copy(first, firstCount), second: copy(second, secondCount))
  }

  /// The places where one group's channels begin, in bytes from the first channel of each operand.
  private struct Group {
    let denseOffset: Int
    let sparseOffset: Int

    func dense(_ x: UnsafeRawPointer) -> UnsafeRawPointer { x + denseOffset }
    func dense(_ x: UnsafeMutableRawPointer) -> UnsafeMutableRawPointer { x + denseOffset }
    func sparse(_ y: UnsafeRawPointer) -> UnsafeRawPointer { y + sparseOffset }
    func sparse(_ y: UnsafeMutableRawPointer) -> UnsafeMutableRawPointer { y + sparseOffset }
    func weight(_ w: UnsafeRawPointer) -> UnsafeRawPointer { w + sparseOffset }
    func weight(_ w: UnsafeMutableRawPointer) -> UnsafeMutableRawPointer { w + sparseOffset }
  }

  private func eachGroup(_ body: (Group) throws -> Void) rethrows {
    for index in 0..<groups {
      try body(
        Group(
          denseOffset: index * (inputs / groups) * dtype.byteCount,
          sparseOffset: index * (outputs / groups) * dtype.byteCount))
    }
  }

  private func eachBlock(
    _ body: (Group, Range<Int>, UnsafeMutableRawPointer) throws -> Void
  ) throws {
    guard rows > 0 else { return }
    let columns = try Tensor.empty([blockRows, depth], dtype: dtype, context: context)
    for start in stride(from: 0, to: rows, by: blockRows) {
      let block = start..<min(start + blockRows, rows)
      try eachGroup { try body($0, block, columns.pointer) }
    }
  }

  /// Bytes before a block's rows of the sparse side.
  private func offset(_ block: Range<Int>) -> Int {
    block.lowerBound * outputs * dtype.byteCount
  }

  /// The forward pass by products of windows that are never written out.
  private func windows(
    _ x: UnsafeRawPointer, _ weight: UnsafeRawPointer, bias: UnsafeRawPointer?, relu: Bool,
    into y: UnsafeMutableRawPointer
  ) {
    var geometry = geometry
    let kernel =
      switch methods.forward {
      case .abreast: dl_abreast_forward
      case .winograd: dl_winograd_forward
      default: dl_conv_forward
      }
    eachGroup { group in
      kernel(
        product, &geometry, group.dense(x), inputs, group.weight(weight),
        bias.map { group.weight($0) }, relu ? 1 : 0, group.sparse(y), outputs / groups, outputs)
    }
  }

  /// The product `[rows, depth] · [depth, out / groups]`.
  private func columnProduct(
    _ columns: UnsafeRawPointer, _ lda: Int, _ weight: UnsafeRawPointer,
    into y: UnsafeMutableRawPointer, rows: Int
  ) {
    gemm(
      product, m: rows, n: outputs / groups, k: depth, columns, lda: lda, weight, ldb: outputs,
      beta: 0, y, ldc: outputs)
  }

  /// The product `[rows, depth]ᵀ · [rows, out / groups]`.
  private func weightProduct(
    _ columns: UnsafeRawPointer, _ lda: Int, _ dy: UnsafeRawPointer,
    into dw: UnsafeMutableRawPointer, rows: Int, _ beta: Double
  ) {
    gemm(
      product, transposeA: true, m: depth, n: outputs / groups, k: rows, columns, lda: lda, dy,
      ldb: outputs, beta: beta, dw, ldc: outputs)
  }

  /// The product `[rows, out / groups] · [depth, out / groups]ᵀ`.
  private func inputProduct(
    _ dy: UnsafeRawPointer, _ weight: UnsafeRawPointer, into columns: UnsafeMutableRawPointer,
    _ ldc: Int, rows: Int, _ beta: Double
  ) {
    gemm(
      product, transposeB: true, m: rows, n: depth, k: outputs / groups, dy, lda: outputs, weight,
      ldb: outputs, beta: beta, columns, ldc: ldc)
  }
}
