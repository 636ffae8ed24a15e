import DLFormats
import DLTensor

extension Sequential: BuiltInONNXLayer {
  /// The layers one after the other.
  ///
  /// - Throws: ``LayerExportError`` for a layer without such a form, and what else adding a layer
  ///   throws.
  package func onnx(_ x: ONNXValue, in graph: ONNXGraph) throws -> ONNXValue {
    var y = x
    for (index, layer) in layers.enumerated() {
      if let flatten = layer as? Flatten {
        let layout = layout(before: index)
        y = flatten.onnx(y, in: graph, channelsFirst: flatten.isChannelsFirst(behind: layout))
      } else {
        y = try graph.add(layer, to: y)
      }
    }
    return y
  }
}

extension Flatten: BuiltInONNXLayer {
  /// `Flatten`, of images with their channels first.
  package func onnx(_ x: ONNXValue, in graph: ONNXGraph) -> ONNXValue {
    onnx(x, in: graph, channelsFirst: channelsFirst ?? false)
  }

  func onnx(_ x: ONNXValue, in graph: ONNXGraph, channelsFirst: Bool) -> ONNXValue {
    let isFirst = x.row.rank == 3 || x.row.rank == 2 && channelsFirst
    let x = isFirst ? graph.channelsFirst(x) : graph.channelsLast(x)
    guard x.row.rank != 1 else { return x }
    return ONNXValue(graph.node("Flatten", [x.name], ["axis": 1]), row: [x.row.count])
  }
}

extension Unflatten: BuiltInONNXLayer {
  /// `Reshape`, to images with their channels first.
  package func onnx(_ x: ONNXValue, in graph: ONNXGraph) -> ONNXValue {
    let flat = graph.channelsLast(x).name
    guard row.rank == 3 else { return ONNXValue(graph.reshape(flat, row.dimensions), row: row) }
    return ONNXValue(
      graph.reshape(flat, [row[2], row[0], row[1]]), row: row, isChannelsFirst: true)
  }
}

extension Residual: BuiltInONNXLayer {
  /// `Add` of the branch and what goes around it.
  ///
  /// - Throws: ``LayerExportError`` for a layer of the branch or the shortcut without such a form,
  ///   and what else adding them throws.
  package func onnx(_ x: ONNXValue, in graph: ONNXGraph) throws -> ONNXValue {
    let branch = try graph.add(layers, to: x)
    let around = graph.like(branch, try shortcut.map { try graph.add($0, to: x) } ?? x)
    var y = branch.with(graph.node("Add", [branch.name, around.name]))
    y.lengths = branch.lengths
    return y
  }
}

extension Branches {
  func onnxOutputs(_ x: ONNXValue, in graph: ONNXGraph) throws -> [ONNXValue] {
    try chains.map { try graph.add($0, to: x) }
  }
}

extension BranchSum: BuiltInONNXLayer {
  /// `Add` of the branches.
  ///
  /// - Throws: ``LayerExportError`` for a layer of a branch without such a form, and what else
  ///   adding it throws.
  package func onnx(_ x: ONNXValue, in graph: ONNXGraph) throws -> ONNXValue {
    let outputs = try onnxOutputs(x, in: graph)
    var y = outputs.dropFirst().reduce(outputs[0]) { sum, next in
      sum.with(graph.node("Add", [sum.name, graph.like(sum, next).name]))
    }
    y.lengths = outputs[0].lengths
    return y
  }
}

extension BranchProduct: BuiltInONNXLayer {
  /// `Mul` of the branches, shorter shapes filled up with ones behind the batch.
  ///
  /// - Throws: ``LayerExportError`` for a layer of a branch without such a form, what else adding
  ///   it throws, and ``TensorError`` where the outputs do not broadcast.
  package func onnx(_ x: ONNXValue, in graph: ONNXGraph) throws -> ONNXValue {
    let outputs = try onnxOutputs(x, in: graph)
    let rank = outputs.map(\.row.rank).max() ?? 0
    let row = try outputShape(for: x.row)
    let isEven = outputs.allSatisfy { $0.row.rank == rank }
    let factors = outputs.map { y -> ONNXValue in
      if isEven { return graph.like(outputs[0], y) }
      let y = graph.channelsLast(y)
      guard y.row.rank < rank else { return y }
      let ones = [Int](repeating: 1, count: rank - y.row.rank)
      return ONNXValue(graph.reshape(y.name, ones + y.row.dimensions), row: y.row)
    }
    let product = factors.dropFirst().reduce(factors[0].name) { graph.node("Mul", [$0, $1.name]) }
    return ONNXValue(product, row: row, isChannelsFirst: isEven && outputs[0].isChannelsFirst)
  }
}

extension Concat: BuiltInONNXLayer {
  /// `Concat`.
  ///
  /// - Throws: ``LayerExportError`` for a layer of a branch without such a form, what else adding
  ///   it throws, and ``TensorError`` where the outputs differ in another axis.
  package func onnx(_ x: ONNXValue, in graph: ONNXGraph) throws -> ONNXValue {
    let outputs = try onnxOutputs(x, in: graph)
    let rank = outputs[0].row.rank
    let isChannels = axis == -1 || axis == rank
    let parts = outputs.map {
      isChannels ? graph.like(outputs[0], $0) : graph.channelsLast($0)
    }
    let place = isChannels ? parts[0].channelAxis : axis
    let name = graph.node("Concat", parts.map(\.name), ["axis": .int(place)])
    var y = parts[0].with(name, row: try outputShape(for: x.row))
    if y.row.rank > 1, y.row[0] == outputs[0].row[0] { y.lengths = outputs[0].lengths }
    return y
  }
}

extension DenseBlock: BuiltInONNXLayer {
  /// Each layer's output beside all before it.
  ///
  /// - Throws: ``TensorError`` where a layer does not take the channels before it, or there is no
  ///   memory for the weights.
  package func onnx(_ x: ONNXValue, in graph: ONNXGraph) throws -> ONNXValue {
    try layers.reduce(graph.channelsFirst(x)) { seen, layer in
      let new = graph.channelsFirst(try graph.add(layer, to: seen))
      let row = Shape(seen.row.dimensions.dropLast() + [seen.row.last + new.row.last])
      return seen.with(graph.node("Concat", [seen.name, new.name], ["axis": 1]), row: row)
    }
  }
}

extension DenseLayer: BuiltInONNXLayer {
  /// Normalization, activation and convolution, twice with a bottleneck.
  ///
  /// - Throws: ``TensorError`` where a convolution does not take its input, or there is no memory
  ///   for the weights.
  package func onnx(_ x: ONNXValue, in graph: ONNXGraph) throws -> ONNXValue {
    var y = x
    for (norm, conv) in [(norm1, conv1), (norm2, conv2)] as [(BatchNorm?, Conv2d?)] {
      guard let norm, let conv else { continue }
      let normal = try graph.add(norm, to: y)
      y = try graph.add(conv, to: normal.with(graph.node("Relu", [normal.name])))
    }
    return y
  }
}
