import DLFormats
import DLTensor

extension Tokens: BuiltInONNXLayer {
  /// `Reshape` of the pixels to one axis.
  ///
  /// - Throws: ``TensorError`` for inputs that are no images.
  package func onnx(_ x: ONNXValue, in graph: ONNXGraph) throws -> ONNXValue {
    let row = try outputShape(for: x.row)
    let axes = x.isChannelsFirst ? [row[1], row[0]] : row.dimensions
    return x.with(graph.reshape(x.name, axes), row: row)
  }
}

extension ClassToken: BuiltInONNXLayer {
  /// `Concat` of the token, once for each row, and the row.
  ///
  /// - Throws: ``TensorError`` before the model has an arena.
  package func onnx(_ x: ONNXValue, in graph: ONNXGraph) throws -> ONNXValue {
    try graph.withToken(classToken, before: graph.channelsLast(x))
  }
}

extension Select: BuiltInONNXLayer {
  /// `Gather` of one position.
  ///
  /// - Throws: ``TensorError`` where the input has no such axis, or the axis no such position.
  package func onnx(_ x: ONNXValue, in graph: ONNXGraph) throws -> ONNXValue {
    let x = graph.channelsLast(x)
    let name = graph.node(
      "Gather", [x.name, graph.integers([position], shape: [])], ["axis": .int(axis)])
    return x.with(name, row: try outputShape(for: x.row))
  }
}

extension PixelShuffle: BuiltInONNXLayer {
  /// `DepthToSpace`, the factor's rows and columns being the last of a channel's number.
  ///
  /// - Throws: ``TensorError`` for inputs that are no images, or whose channels are no multiple of
  ///   the factor's square.
  package func onnx(_ x: ONNXValue, in graph: ONNXGraph) throws -> ONNXValue {
    let x = graph.channelsFirst(x)
    let name = graph.node(
      "DepthToSpace", [x.name], ["blocksize": .int(options.upscaleFactor), "mode": "CRD"])
    return x.with(name, row: try outputShape(for: x.row))
  }
}

extension PixelUnshuffle: BuiltInONNXLayer {
  /// Squares of pixels moved to the channels; `SpaceToDepth` has another order of these.
  ///
  /// - Throws: ``TensorError`` for inputs that are no images, or whose height or width is no
  ///   multiple of the factor.
  package func onnx(_ x: ONNXValue, in graph: ONNXGraph) throws -> ONNXValue {
    let x = graph.channelsFirst(x)
    let row = try outputShape(for: x.row)
    let factor = options.downscaleFactor
    let squares = graph.reshape(x.name, [x.row[2], row[0], factor, row[1], factor])
    let moved = graph.node("Transpose", [squares], ["perm": [0, 1, 3, 5, 2, 4]])
    return x.with(graph.reshape(moved, [row[2], row[0], row[1]]), row: row)
  }
}

extension ZeroPad2d: BuiltInONNXLayer {
  /// `Pad`.
  ///
  /// - Throws: ``TensorError`` for inputs that are no images, for a padding below 0, or where there
  ///   is no memory for the zero.
  package func onnx(_ x: ONNXValue, in graph: ONNXGraph) throws -> ONNXValue {
    let x = graph.channelsFirst(x)
    let name = try graph.padded(
      x.name, [options.top, options.left], [options.bottom, options.right], 0)
    return x.with(name, row: try outputShape(for: x.row))
  }
}

extension Upsample: BuiltInONNXLayer {
  /// `Resize` by whole factors; else `Gather` of the nearest pixels, or products with the shares of
  /// those around.
  ///
  /// - Throws: ``LayerExportError`` where rows end, and ``TensorError`` for inputs that are no images or sequences, for
  ///   sizes or factors that leave no pixel, or where there is no memory for the shares.
  package func onnx(_ x: ONNXValue, in graph: ONNXGraph) throws -> ONNXValue {
    try graph.requireWholeRows(
      x, self, "its rows get lengths of their own; pack rows of one length")
    let row = try outputShape(for: x.row)
    let maps = try (0..<row.rank - 1).map { axis in
      try graph.matrix(of: { try self.along(axis, of: row, $0) }, from: x.row[axis])
    }
    let factors = (0..<row.rank - 1).map { axis in
      row[axis].isMultiple(of: x.row[axis]) ? row[axis] / x.row[axis] : 0
    }
    switch interpolation {
    case .nearest:
      let places = maps.map { map in nearest(map) }
      let isRepeated = zip(places, factors).allSatisfy { places, factor in
        factor > 0 && places.indices.allSatisfy { places[$0] == $0 / factor }
      }
      guard isRepeated else {
        let x = graph.channelsLast(x)
        let name = places.enumerated().reduce(x.name) { name, place in
          graph.node(
            "Gather", [name, graph.integers(place.element)], ["axis": .int(place.offset + 1)])
        }
        return x.with(name, row: row)
      }
      return try resize(x, factors, row, "asymmetric", graph)
    case .bilinear(let alignCorners):
      guard row.rank == 3, factors.allSatisfy({ $0 > 0 }) else {
        return try graph.mapped(x, maps, row: row)
      }
      return try resize(x, factors, row, alignCorners ? "align_corners" : "half_pixel", graph)
    }
  }

  private func resize(
    _ x: ONNXValue, _ factors: [Int], _ row: Shape, _ coordinates: ONNXAttribute, _ graph: ONNXGraph
  ) throws -> ONNXValue {
    let x = graph.channelsFirst(x)
    let scales = try graph.constant([1, 1] + factors.map(Double.init))
    let name = graph.node(
      "Resize", [x.name, "", scales],
      [
        "mode": interpolation == .nearest ? "nearest" : "linear",
        "coordinate_transformation_mode": coordinates, "nearest_mode": "floor",
      ])
    return x.with(name, row: row)
  }

  /// The pixel that each output is a copy of.
  private func nearest(_ map: Tensor) -> [Int] {
    let values = map.doubles
    let extent = map.shape[1]
    return (0..<map.shape[0]).map { place in
      values[place * extent..<(place + 1) * extent].firstIndex(of: 1).map { $0 - place * extent }
        ?? 0
    }
  }
}

extension SpatialTransformer: BuiltInONNXLayer {
  /// `GridSample` at the places to which the map takes those of the output.
  ///
  /// - Throws: ``LayerExportError`` for a layer of `localization` without such a form, what else
  ///   adding it throws, and ``TensorError`` for inputs that are no images, or where there is no
  ///   memory.
  package func onnx(_ x: ONNXValue, in graph: ONNXGraph) throws -> ONNXValue {
    let row = try outputShape(for: x.row)
    let seen = try graph.add(localization, to: x)
    let flat = Flatten().onnx(seen, in: graph, channelsFirst: false)
    let map = graph.reshape(try graph.add(theta, to: flat).name, [2, 3])
    // Where the output's pixels lie says the op itself, by the map that leaves all where it is.
    let size = Size2d(row[0], row[1])
    let units = try Tensor.values(
      [1, 0, 0, 0, 1, 0], shape: [1, 2, 3], dtype: .float32, context: graph.context)
    let places = try units.affineGrid(size, alignCorners: options.alignCorners)
      .reshape([row[0] * row[1], 2])
    let ones = try Tensor.full([row[0] * row[1], 1], 1, dtype: .float32, context: graph.context)
    let plane = graph.constant(try Tensor.concat([places, ones], axis: 1), "places")
    let columns = graph.node("Transpose", [map], ["perm": [0, 2, 1]])
    let grid = graph.reshape(graph.node("MatMul", [plane, columns]), [row[0], row[1], 2])
    let image = graph.channelsFirst(x)
    let name = graph.node(
      "GridSample", [image.name, grid],
      [
        "mode": "bilinear", "padding_mode": .string(options.paddingMode.rawValue),
        "align_corners": .int(options.alignCorners ? 1 : 0),
      ])
    return image.with(name, row: row)
  }
}
