import CKernels

/// The pairs of features that rotary positions turn.
public enum RotaryStyle: String, Sendable, CaseIterable {
  /// No pairs: nothing is turned.
  case none
  /// Neighbors, 2j and 2j + 1, as in the paper.
  case interleaved
  /// j and j + width / 2, as in GPT-NeoX and Llama.
  case half
}

/// Rotary positions: pair j of the features at position t is turned by the angle t · base^(-2j /
/// width).
///
/// Su et al. 2021, "RoFormer: Enhanced Transformer with Rotary Position Embedding".
public struct RotaryPositions: Sendable, Equatable {
  /// The pairing of features.
  package var style: RotaryStyle
  /// The base of the angles' rates.
  package var base: Double
  /// The number of features of a head that are turned, the first ones; all by default.
  package var width: Int?

  /// Makes the options.
  public init(_ style: RotaryStyle = .interleaved, base: Double = 10_000, width: Int? = nil) {
    self.style = style
    self.base = base
    self.width = width
  }
}

extension Tensor {
  /// Turns the features of each head by its position, so that products of two of them depend on
  /// their distance.
  ///
  /// Shapes: `[batch, time, heads, width]`, unchanged. A last feature without a partner, and heads
  /// from `turned` on, stay as they are. O(count).
  ///
  /// - Parameter offset: the position of the first row.
  /// - Throws: ``TensorError`` for another rank, or more features than there are.
  public func rotary(
    _ positions: RotaryPositions = RotaryPositions(), offset: Int = 0, turned: Int? = nil
  ) throws -> Tensor {
    guard positions.style != .none else { return self }
    try requireReal(op: "rotary")
    guard shape.rank == 4, (0...shape.last).contains(positions.width ?? shape.last), offset >= 0,
      (0...shape[2]).contains(turned ?? shape[2]), positions.base > 0
    else {
      throw TensorError(
        op: "rotary",
        "input has shape \(shape), expected [batch, time, heads, width] with \(turned ?? 0) heads "
          + "or more, \(positions.width ?? 0) features or more, an offset and a base of 0 or more")
    }
    let (batch, time, heads, width) = (shape[0], shape[1], shape[2], shape[3])
    let pairs = (positions.width ?? width) / 2
    let turned = turned ?? heads
    let cosine = try Tensor.empty([time, pairs], dtype: dtype, context: context)
    let sine = try Tensor.empty([time, pairs], dtype: dtype, context: context)
    dl_rotary_table(
      dtype.kernel, offset, time, pairs, positions.base, cosine.pointer, sine.pointer)
    let interleaved: Int32 = positions.style == .interleaved ? 1 : 0
    func turn(_ x: Tensor, back: Int32, _ y: UnsafeMutableRawPointer, _ accumulate: Int32) {
      dl_rotary(
        x.dtype.kernel, x.pointer, batch, time, heads, turned, width, pairs, cosine.pointer,
        sine.pointer, interleaved, back, y, accumulate)
    }
    return try linearMap(to: shape) {
      turn($0, back: 0, $1, 0)
    } transposed: {
      turn($0, back: 1, $1, $2)
    }
  }

  /// The table of sinusoidal positions: feature 2j of position t is `sin(t / base^(2j / size))`,
  /// feature 2j + 1 the cosine.
  ///
  /// Shape: `[time, size]`. Vaswani et al. 2017, section 3.5.
  ///
  /// - Parameter offset: the position of the first row, 0 or more.
  /// - Throws: ``TensorError`` for sizes that are no shape, an offset below 0 or a base that is not
  ///   above it, or where there is no memory.
  package static func sinusoids(
    time: Int, size: Int, offset: Int = 0, base: Double = 10_000, context: Context
  ) throws -> Tensor {
    guard let shape = Shape(checking: [time, size]), offset >= 0, base > 0 else {
      throw TensorError(
        op: "sinusoids", "\(time) times \(size) features at \(offset) is no table of positions")
    }
    let table = try Tensor.empty(shape, context: context)
    dl_sinusoids(table.dtype.kernel, offset, time, size, base, table.pointer)
    return table
  }

  /// Adds row `offset + t` of a table to every row t: learned positions.
  ///
  /// The gradient is added to the rows used. Shapes: `[batch, time, size]`, unchanged; table
  /// `[length, size]`.
  ///
  /// - Throws: ``TensorError`` where the table is shorter than the text.
  package func addingPositions(_ table: Tensor, offset: Int = 0) throws -> Tensor {
    try requireReal(op: "positions")
    guard shape.rank == 3, table.shape.rank == 2, shape[2] == table.shape[1], table.dtype == dtype
    else {
      throw TensorError(
        op: "positions",
        "input is \(dtype) \(shape), table \(table.dtype) \(table.shape); expected "
          + "[batch, time, size] and [length, size]")
    }
    let (batch, time, width) = (shape[0], shape[1], shape[1] * shape[2])
    guard offset >= 0, time <= table.shape[0], offset <= table.shape[0] - time else {
      throw TensorError(
        op: "positions",
        "\(time) positions from \(offset) do not fit a table of \(table.shape[0]); "
          + "use a shorter text or a longer table")
    }
    if context.isDecomposing { return try self + table.narrow(0, start: offset, length: time) }
    let start = offset * shape[2] * dtype.byteCount
    let y = try Tensor.empty(shape, dtype: dtype, context: context)
    dl_broadcast_axes(dtype.kernel, table.pointer + start, 1, batch, width, 1, y.pointer, 0)
    dl_axpy(dtype.kernel, 1, pointer, y.pointer, count)
    return context.record(y, from: self, table) { [self] dy in
      try table.accumulateGradient {
        dl_sum_axes(dtype.kernel, dy.pointer, 1, batch, width, 1, $0 + start, 1)
      }
      try receiveGradient(dy)
    }
  }
}
