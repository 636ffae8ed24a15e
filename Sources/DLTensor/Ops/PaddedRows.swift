import CKernels

// Rows of unequal length in one tensor, each filled up behind its own positions.
extension Tensor {
  /// The same elements with those of padding, which lie behind a row's length, replaced by a value.
  ///
  /// No gradient flows to them. It is the tensor itself where all positions are valid. Shapes: `[batch, time, ...]`, unchanged.
  ///
  /// - Throws: ``TensorError`` where the lengths are not those of the rows.
  package func paddingFilled(_ value: Double = 0) throws -> Tensor {
    guard let lengths else { return self }
    let op = "padding_filled"
    try requireReal(op: op)
    guard shape.rank >= 2 else {
      throw TensorError(op: op, "input has shape \(shape), expected [batch, time, ...]")
    }
    try requireLengths(op, lengths, shape[0], upTo: shape[1])
    let y = try Tensor.empty(shape, dtype: dtype, context: context)
    y.pointer.copyMemory(from: pointer, byteCount: byteCount)
    y.fillPadding(behind: lengths, value)
    y.lengths = lengths
    if context.isDecomposing {
      return context.record(
        y,
        Pullback(self) { dy in
          let dx = try dy.reshape(dy.shape)
          dx.lengths = lengths
          return try dx.paddingFilled()
        })
    }
    return context.record(y, from: self) { [self] dy in
      dy.fillPadding(behind: lengths, 0)
      try receiveGradient(dy)
    }
  }

  private func fillPadding(behind lengths: Tensor, _ value: Double) {
    let (time, step) = (shape[1], shape.product(2..<shape.rank))
    for row in 0..<shape[0] {
      let valid = Int(lengths.int32s[row])
      dl_fill(
        dtype.kernel, value, pointer + (row * time + valid) * step * dtype.byteCount,
        (time - valid) * step)
    }
  }

  /// The mean over the valid positions of each row, 0 for a row without any:
  /// `[batch, time, channels]` to `[batch, channels]`.
  ///
  /// - Throws: ``TensorError`` for an empty sequence, or lengths that are not those of the rows.
  package func validAvgPool1d() throws -> Tensor {
    let mean = try paddingFilled().globalAvgPool1d()
    guard let lengths else { return mean }
    let time = Double(shape[1])
    let factors = (0..<shape[0]).map { time / Double(max(lengths.int32s[$0], 1)) }
    return try mean * Tensor.values(factors, shape: [shape[0], 1], dtype: dtype, context: context)
  }

  /// The largest value over the valid positions of each row, the first one counting as valid:
  /// `[batch, time, channels]` to `[batch, channels]`.
  ///
  /// - Throws: ``TensorError`` for an empty sequence, or lengths that are not those of the rows.
  package func validMaxPool1d() throws -> Tensor {
    guard let lengths else { return try globalMaxPool1d() }
    let x = try reshape(shape)
    x.lengths = try lengths.mapLengths { max($0, 1) }
    return try x.paddingFilled(-.infinity).globalMaxPool1d()
  }
}

// What takes all positions, or all of a row, together.
extension Tensor {
  /// The result of `body` on the valid positions `[positions, channels]`, one behind the other, at
  /// their places; padding becomes 0.
  ///
  /// Where all positions are valid `body` gets the tensor itself. Shapes: `[batch, time, channels]` to
  /// `[batch, time, features]`.
  ///
  /// - Throws: ``TensorError`` where the lengths are not those of the rows, and what `body` throws.
  package func atValidPositions(_ body: (Tensor) throws -> Tensor) throws -> Tensor {
    guard let lengths, shape.rank == 3 else { return try body(self) }
    let (rows, time) = (shape[0], shape[1])
    try requireLengths("valid_positions", lengths, rows, upTo: time)
    let places = (0..<rows).flatMap { row in
      (0..<lengths.int32s[row]).map { Int32(row * time) + $0 }
    }
    guard places.count < rows * time else { return try body(self) }
    let index = try Tensor.labels(places, context: context)
    let valid = try body(reshape([rows * time, shape[2]]).indexSelect(0, index))
    let features = valid.shape.last
    // Padding takes a row of zeros behind the others.
    var sources = [Int32](repeating: Int32(places.count), count: rows * time)
    for (source, place) in places.enumerated() { sources[Int(place)] = Int32(source) }
    let zeros = try Tensor.zeros([1, features], dtype: dtype, context: context)
    let y = try Tensor.concat([valid, zeros])
      .indexSelect(0, .labels(sources, context: context)).reshape([rows, time, features])
    y.lengths = lengths
    return y
  }

  /// The result of `body` on each row without its padding, the first position counting as valid.
  ///
  /// Where all positions are valid `body` gets all rows at once. Shapes: `[batch, time, channels]` to
  /// `[batch, ...]`, which must not depend on the row's length.
  ///
  /// - Throws: ``TensorError`` where the lengths are not those of the rows, and what `body` throws.
  package func rowByRow(_ body: (Tensor) throws -> Tensor) throws -> Tensor {
    guard let lengths, shape.rank == 3 else { return try body(self) }
    try requireLengths("valid_positions", lengths, shape[0], upTo: shape[1])
    let counts = (0..<shape[0]).map { max(Int(lengths.int32s[$0]), 1) }
    guard counts.contains(where: { $0 < shape[1] }) else { return try body(self) }
    return try .concat(
      counts.enumerated().map { row, count in
        try body(narrow(0, start: row, length: 1).narrow(1, start: 0, length: count))
      })
  }
}

// Lengths, int32 [batch].
extension Tensor {
  /// The length of each row of int32 tokens `[batch, time]`: up to the last one that is not the token
  /// for padding.
  ///
  /// - Throws: ``TensorError`` for another shape or type.
  package func lengths(padding: Int32) throws -> Tensor {
    guard dtype == .int32, shape.rank == 2 else {
      throw TensorError(
        op: "lengths", "tokens are \(dtype) \(shape), expected int32 [batch, time]")
    }
    let result = try Tensor.empty([shape[0]], dtype: .int32, context: context)
    let (time, target) = (shape[1], result.pointer.assumingMemoryBound(to: Int32.self))
    for row in 0..<shape[0] {
      var length = time
      while length > 0, int32s[row * time + length - 1] == padding { length -= 1 }
      target[row] = Int32(length)
    }
    return result
  }

  /// The lengths of the rows that a window makes of rows of these lengths, at most `limit`: as many
  /// as fit into a row by itself, and one for a row that is shorter than the window.
  ///
  /// - Throws: ``TensorError`` where there is no memory.
  package func lengths(behind window: Window2d, upTo limit: Int) throws -> Tensor {
    try mapLengths { length in
      guard length > 0 else { return 0 }
      let fits = try? window.output(op: "lengths", height: 1, width: Int(length)).width
      return Int32(min(max(fits ?? 1, 1), limit))
    }
  }

  /// Lengths made of these one by one.
  ///
  /// - Throws: ``TensorError`` where there is no memory.
  package func mapLengths(_ body: (Int32) -> Int32) throws -> Tensor {
    let result = try Tensor.empty(shape, dtype: .int32, context: context)
    let target = result.pointer.assumingMemoryBound(to: Int32.self)
    for row in 0..<count { target[row] = body(int32s[row]) }
    return result
  }
}

extension Tensor {
  /// Labels `[batch, time, ...]` of which those behind `lengths` are the one that does not count.
  ///
  /// - Throws: ``TensorError`` where the lengths are not those of the rows.
  package func labels(within lengths: Tensor, ignored: Int32) throws -> Tensor {
    try requireLengths("labels", lengths, shape[0], upTo: shape[1])
    let result = try Tensor.empty(shape, dtype: .int32, context: context)
    result.pointer.copyMemory(from: pointer, byteCount: byteCount)
    let step = shape.product(2..<shape.rank)
    for row in 0..<shape[0] {
      let valid = Int(lengths.int32s[row])
      let rest =
        result.pointer.assumingMemoryBound(to: Int32.self) + (row * shape[1] + valid) * step
      rest.update(repeating: ignored, count: (shape[1] - valid) * step)
    }
    return result
  }
}
