import DLCore
import DLFormats
import DLTensor

extension ONNXGraph {
  /// `MaxPool`, windows that overhang the end reaching into more padding.
  fileprivate func maxPool(
    _ x: ONNXValue, _ window: Window2d, _ op: String, isRow: Bool, row: Shape
  ) throws -> ONNXValue {
    var pads = try overhang(x, window, op, isRow: isRow, row: row)
    var input = x.name
    // The operator's own padding must be smaller than the kernel.
    if zip(pads.after, window.extents(isRow: isRow)).contains(where: { $0 >= $1 }) {
      input = try padded(input, pads.before, pads.after, -Double(Float.greatestFiniteMagnitude))
      pads = (pads.before.map { _ in 0 }, pads.after.map { _ in 0 })
    }
    return x.with(
      node(
        "MaxPool", [input],
        [
          "kernel_shape": window.kernel.onnx(isRow: isRow),
          "strides": window.stride.onnx(isRow: isRow), "pads": .ints(pads.before + pads.after),
          "dilations": window.dilation.onnx(isRow: isRow),
        ]), row: row)
  }

  /// `AveragePool`; where a window overhangs the end, of an image with that padding, times what its
  /// sum is to be divided by instead.
  fileprivate func averagePool(
    _ x: ONNXValue, _ window: Window2d, _ op: String, countIncludePad: Bool, isRow: Bool, row: Shape
  ) throws -> ONNXValue {
    let pads = try overhang(x, window, op, isRow: isRow, row: row)
    let (kernel, strides) = (window.kernel.onnx(isRow: isRow), window.stride.onnx(isRow: isRow))
    if pads.before == pads.after {
      let y = node(
        "AveragePool", [x.name],
        [
          "kernel_shape": kernel, "strides": strides, "pads": .ints(pads.before + pads.after),
          "count_include_pad": .int(countIncludePad ? 1 : 0),
        ])
      return x.with(y, row: row)
    }
    let sums = node(
      "AveragePool", [try padded(x.name, pads.before, pads.after, 0)],
      ["kernel_shape": kernel, "strides": strides])
    // By how much more each window's sum counts than the mean over all of its taps says.
    let extents = Array(row.dimensions.dropLast())
    let factors = zip(0..., extents).map { axis, count -> [Double] in
      let (kernel, stride) = (
        window.extents(isRow: isRow)[axis],
        (isRow ? [window.stride.width] : [window.stride.height, window.stride.width])[axis]
      )
      let (before, extent) = (pads.before[axis], x.row[axis])
      let (low, high) = countIncludePad ? (0, extent + 2 * before) : (before, before + extent)
      return (0..<count).map { place in
        let taps = min(place * stride + kernel, high) - max(place * stride, low)
        return Double(kernel) / Double(taps)
      }
    }
    let map = factors.dropFirst().reduce(factors[0]) { rows, columns in
      rows.flatMap { row in columns.map { row * $0 } }
    }
    return x.with(node("Mul", [sums, try constant(map, shape: extents)]), row: row)
  }

  /// The padding before each axis, and that behind it, which reaches to the end of the last window.
  private func overhang(
    _ x: ONNXValue, _ window: Window2d, _ op: String, isRow: Bool, row: Shape
  ) throws -> (before: [Int], after: [Int]) {
    let sides = try window.sides(op: op)
    let before = isRow ? [sides.left] : [sides.top, sides.left]
    let behind = isRow ? [sides.right] : [sides.bottom, sides.right]
    let strides = isRow ? [window.stride.width] : [window.stride.height, window.stride.width]
    let reaches = isRow ? [window.reach.width] : [window.reach.height, window.reach.width]
    let after = behind.indices.map { axis in
      let end = (row[axis] - 1) * strides[axis] + reaches[axis]
      return max(behind[axis], end - before[axis] - x.row[axis])
    }
    return (before, after)
  }

  /// A value with its channels first, with a number around it.
  func padded(_ name: String, _ before: [Int], _ after: [Int], _ value: Double) throws -> String {
    node("Pad", [name, integers([0, 0] + before + [0, 0] + after), try constant([value])])
  }

  /// A mean or maximum over all positions.
  fileprivate func overPositions(_ op: String, _ x: ONNXValue, row: Shape) -> ONNXValue {
    let name = node(op, [x.name], ["axes": .ints(x.positionAxes), "keepdims": 0])
    return ONNXValue(name, row: row)
  }

  /// The value of a linear map along positions: `maps` are `[output, input]`, one an axis.
  func mapped(_ x: ONNXValue, _ maps: [Tensor], row: Shape) throws -> ONNXValue {
    guard let last = maps.last else { return x }
    if maps.count == 1 {
      let x = channelsLast(x)
      return x.with(node("MatMul", [constant(last, "map"), x.name]), row: row)
    }
    let x = channelsFirst(x)
    let columns = node("MatMul", [x.name, constant(try last.permute(1, 0), "map")])
    return x.with(node("MatMul", [constant(maps[0], "map"), columns]), row: row)
  }

  /// The matrix `[output, input]` of a linear op along sequences `[batch, input, channels]`: what it
  /// makes of the unit vectors.
  func matrix(of op: (Tensor) throws -> Tensor, from extent: Int) throws -> Tensor {
    let unit = (0..<extent * extent).map { $0 / extent == $0 % extent ? 1.0 : 0 }
    let y = try op(.values(unit, shape: [1, extent, extent], dtype: .float32, context: context))
    return try y.reshape([y.shape[1], extent])
  }

  /// The largest values over windows that share the positions out evenly, axis by axis.
  fileprivate func adaptiveMaxPool(_ x: ONNXValue, row: Shape) -> ONNXValue {
    let x = channelsLast(x)
    var name = x.name
    for axis in 0..<row.rank - 1 {
      let (extent, count) = (x.row[axis], row[axis])
      guard extent != count else { continue }
      let windows = (0..<count).map { place in
        let (start, end) = (place * extent / count, ((place + 1) * extent + count - 1) / count)
        let part = node(
          "Slice", [name, integers([start]), integers([end]), integers([axis + 1])])
        return node("ReduceMax", [part], ["axes": [axis + 1], "keepdims": 1])
      }
      name = node("Concat", windows, ["axis": .int(axis + 1)])
    }
    return x.with(name, row: row)
  }
}

extension Window2d {
  fileprivate func extents(isRow: Bool) -> [Int] {
    isRow ? [kernel.width] : [kernel.height, kernel.width]
  }
}

extension MaxPool2d: BuiltInONNXLayer {
  /// `MaxPool`.
  ///
  /// - Throws: ``TensorError`` for images that the window does not fit, or where there is no memory
  ///   for a constant.
  package func onnx(_ x: ONNXValue, in graph: ONNXGraph) throws -> ONNXValue {
    try graph.maxPool(
      graph.channelsFirst(x), window, "max_pool2d", isRow: false, row: outputShape(for: x.row))
  }
}

extension MaxPool1d: BuiltInONNXLayer {
  /// `MaxPool` over sequences, of which padding is no part.
  ///
  /// - Throws: ``TensorError`` for sequences that the window does not fit, or where there is no
  ///   memory for a constant.
  package func onnx(_ x: ONNXValue, in graph: ONNXGraph) throws -> ONNXValue {
    let row = try outputShape(for: x.row)
    let lowest = -Double(Float.greatestFiniteMagnitude)
    let filled = try graph.paddingFilled(graph.channelsFirst(x), lowest)
    var y = try graph.maxPool(filled, window, "max_pool1d", isRow: true, row: row)
    y.lengths = try graph.lengths(x.lengths, behind: window, upTo: row[0])
    return try graph.paddingFilled(y)
  }
}

extension AvgPool2d: BuiltInONNXLayer {
  /// `AveragePool`.
  ///
  /// - Throws: ``TensorError`` for images that the window does not fit, or where there is no memory
  ///   for a constant.
  package func onnx(_ x: ONNXValue, in graph: ONNXGraph) throws -> ONNXValue {
    try graph.averagePool(
      graph.channelsFirst(x), window, "avg_pool2d", countIncludePad: options.countIncludePad,
      isRow: false, row: outputShape(for: x.row))
  }
}

extension AvgPool1d: BuiltInONNXLayer {
  /// `AveragePool` over sequences, padding counting as zeros.
  ///
  /// - Throws: ``TensorError`` for sequences that the window does not fit, or where there is no
  ///   memory for a constant.
  package func onnx(_ x: ONNXValue, in graph: ONNXGraph) throws -> ONNXValue {
    let x = try graph.paddingFilled(graph.channelsFirst(x))
    var y = try graph.averagePool(
      x, window, "avg_pool1d", countIncludePad: options.countIncludePad, isRow: true,
      row: outputShape(for: x.row))
    y.lengths = try graph.lengths(x.lengths, behind: window, upTo: y.row[0])
    return y
  }
}

extension GlobalAvgPool2d: BuiltInONNXLayer {
  /// `ReduceMean` over the image.
  ///
  /// - Throws: ``TensorError`` for inputs that are no images of one pixel or more.
  package func onnx(_ x: ONNXValue, in graph: ONNXGraph) throws -> ONNXValue {
    graph.overPositions("ReduceMean", x, row: try outputShape(for: x.row))
  }
}

extension GlobalMaxPool2d: BuiltInONNXLayer {
  /// `ReduceMax` over the image.
  ///
  /// - Throws: ``TensorError`` for inputs that are no images of one pixel or more.
  package func onnx(_ x: ONNXValue, in graph: ONNXGraph) throws -> ONNXValue {
    graph.overPositions("ReduceMax", x, row: try outputShape(for: x.row))
  }
}

extension ONNXGraph {
  /// The mean over the valid positions: their sum divided by their number, 1 at least.
  ///
  /// - Throws: ``TensorError`` where there is no memory for the number of positions.
  package func validMean(_ x: ONNXValue) throws -> ONNXValue {
    let row: Shape = [x.row[1]]
    guard let lengths = x.lengths else { return overPositions("ReduceMean", x, row: row) }
    let mean = overPositions("ReduceMean", try paddingFilled(x), row: row)
    let valid = node("Max", [lengths, integers([1], shape: [])])
    let share = node("Div", [try constant([Double(x.row[0])]), cast(valid, to: .float32)])
    return mean.with(node("Mul", [mean.name, axis("Unsqueeze", share, 1)]))
  }
}

extension GlobalAvgPool1d: BuiltInONNXLayer {
  /// `ReduceMean` over the valid positions.
  ///
  /// - Throws: ``TensorError`` where there is no memory for the number of positions.
  package func onnx(_ x: ONNXValue, in graph: ONNXGraph) throws -> ONNXValue {
    try graph.validMean(x)
  }
}

extension GlobalMaxPool1d: BuiltInONNXLayer {
  /// `ReduceMax` over the valid positions, the first one counting as valid.
  ///
  /// - Throws: ``TensorError`` for inputs that are no sequences of one element or more, or where
  ///   there is no memory for a constant.
  package func onnx(_ x: ONNXValue, in graph: ONNXGraph) throws -> ONNXValue {
    var x = x
    x.lengths = x.lengths.map { graph.node("Max", [$0, graph.integers([1], shape: [])]) }
    let filled = try graph.paddingFilled(x, -Double(Float.greatestFiniteMagnitude))
    return graph.overPositions("ReduceMax", filled, row: try outputShape(for: x.row))
  }
}

extension AdaptiveAvgPool1d: BuiltInONNXLayer {
  /// A product with the windows' shares.
  ///
  /// - Throws: ``LayerExportError`` where rows end, and ``TensorError`` for inputs that are no
  ///   sequences of one element or more, or where there is no memory for the shares.
  package func onnx(_ x: ONNXValue, in graph: ONNXGraph) throws -> ONNXValue {
    try graph.requireWholeRows(x, self, ONNXGraph.windowsDiffer)
    let row = try outputShape(for: x.row)
    let map = try graph.matrix(of: { try $0.adaptiveAvgPool1d(row[0]) }, from: x.row[0])
    return try graph.mapped(x, [map], row: row)
  }
}

extension AdaptiveAvgPool2d: BuiltInONNXLayer {
  /// `AveragePool` where windows do not overlap, else products with the windows' shares.
  ///
  /// - Throws: ``TensorError`` for inputs that are no images of one pixel or more, or where there
  ///   is no memory for the shares.
  package func onnx(_ x: ONNXValue, in graph: ONNXGraph) throws -> ONNXValue {
    let row = try outputShape(for: x.row)
    if x.row[0].isMultiple(of: row[0]), x.row[1].isMultiple(of: row[1]) {
      let x = graph.channelsFirst(x)
      let window: ONNXAttribute = [x.row[0] / row[0], x.row[1] / row[1]]
      return x.with(
        graph.node("AveragePool", [x.name], ["kernel_shape": window, "strides": window]), row: row)
    }
    let maps = try (0..<2).map { axis in
      try graph.matrix(of: { try $0.adaptiveAvgPool1d(row[axis]) }, from: x.row[axis])
    }
    return try graph.mapped(x, maps, row: row)
  }
}

extension AdaptiveMaxPool1d: BuiltInONNXLayer {
  /// `ReduceMax` of each window.
  ///
  /// - Throws: ``LayerExportError`` where rows end, and ``TensorError`` for inputs that are no
  ///   sequences of one element or more.
  package func onnx(_ x: ONNXValue, in graph: ONNXGraph) throws -> ONNXValue {
    try graph.requireWholeRows(x, self, ONNXGraph.windowsDiffer)
    return graph.adaptiveMaxPool(x, row: try outputShape(for: x.row))
  }
}

extension ONNXGraph {
  /// Refuses rows of lengths of their own for a layer that takes all of a row together.
  func requireWholeRows(_ x: ONNXValue, _ layer: Module, _ reason: String) throws {
    guard x.lengths != nil else { return }
    throw LayerExportError("ONNX", layer, reason + ", or \(OptionName.format) safetensors")
  }

  /// The reason to refuse windows that are other ones in each row.
  fileprivate static var windowsDiffer: String {
    "its windows share each row out up to its padding; use global_avg_pool1d"
  }
}

extension AdaptiveMaxPool2d: BuiltInONNXLayer {
  /// `ReduceMax` of each window.
  ///
  /// - Throws: ``TensorError`` for inputs that are no images of one pixel or more.
  package func onnx(_ x: ONNXValue, in graph: ONNXGraph) throws -> ONNXValue {
    graph.adaptiveMaxPool(x, row: try outputShape(for: x.row))
  }
}
