import DLFormats
import DLTensor

extension Linear: BuiltInONNXLayer {
  /// `Gemm` on rows of numbers, `MatMul` and `Add` on others.
  ///
  /// - Throws: ``TensorError`` for features of another number than the weight's, or before the
  ///   model has an arena.
  package func onnx(_ x: ONNXValue, in graph: ONNXGraph) throws -> ONNXValue {
    let x = graph.channelsLast(x)
    let row = try outputShape(for: x.row)
    if x.row.rank == 1 {
      let inputs =
        [x.name, try graph.weight(weight)] + (try bias.map { [try graph.weight($0)] } ?? [])
      let isTurned = weight.layout == .transposed
      return x.with(graph.node("Gemm", inputs, ["transB": isTurned ? 0 : 1]), row: row)
    }
    return x.with(try graph.linear(x.name, self), row: row)
  }
}

extension ONNXGraph {
  /// `x · weightᵀ + bias` on the last axis.
  func linear(_ x: String, _ linear: Linear) throws -> String {
    let product = node("MatMul", [x, try transposed(linear.weight)])
    guard let bias = linear.bias else { return product }
    return node("Add", [product, try weight(bias)])
  }

  /// A convolution's node, over images or sequences with their channels first.
  fileprivate func convolution(
    _ op: String, _ x: ONNXValue, _ weight: Parameter, _ bias: Parameter?,
    _ attributes: KeyValuePairs<String, ONNXAttribute>, row: Shape
  ) throws -> ONNXValue {
    let inputs = [x.name, try self.weight(weight)] + (try bias.map { [try self.weight($0)] } ?? [])
    return x.with(node(op, inputs, attributes), row: row)
  }
}

extension Window2d {
  /// The padding as ONNX has it: that before each axis, then that behind each.
  func pads(_ op: String, isRow: Bool) throws -> ONNXAttribute {
    let sides = try sides(op: op)
    return isRow
      ? [sides.left, sides.right] : [sides.top, sides.left, sides.bottom, sides.right]
  }
}

extension Size2d {
  /// Height and width; the width alone of a row.
  func onnx(isRow: Bool) -> ONNXAttribute { isRow ? [width] : [height, width] }
}

extension Window2d {
  fileprivate func attributes(_ op: String, groups: Int, isRow: Bool) throws
    -> KeyValuePairs<String, ONNXAttribute>
  {
    [
      "kernel_shape": kernel.onnx(isRow: isRow), "strides": stride.onnx(isRow: isRow),
      "pads": try pads(op, isRow: isRow), "dilations": dilation.onnx(isRow: isRow),
      "group": .int(groups),
    ]
  }
}

extension TransposedWindow2d {
  fileprivate func attributes(_ op: String, groups: Int, isRow: Bool) throws
    -> KeyValuePairs<String, ONNXAttribute>
  {
    [
      "kernel_shape": window.kernel.onnx(isRow: isRow),
      "strides": window.stride.onnx(isRow: isRow), "pads": try window.pads(op, isRow: isRow),
      "output_padding": outputPadding.onnx(isRow: isRow),
      "dilations": window.dilation.onnx(isRow: isRow), "group": .int(groups),
    ]
  }
}

extension Conv2d: BuiltInONNXLayer {
  /// `Conv`.
  ///
  /// - Throws: ``TensorError`` for images that its window or its channels do not fit, or where
  ///   there is no memory for the weight.
  package func onnx(_ x: ONNXValue, in graph: ONNXGraph) throws -> ONNXValue {
    let x = graph.channelsFirst(x)
    return try graph.convolution(
      "Conv", x, weight, bias,
      window.attributes("conv2d", groups: options.groups, isRow: false),
      row: outputShape(for: x.row))
  }
}

extension Conv1d: BuiltInONNXLayer {
  /// `Conv` over sequences, padding counting as zeros.
  ///
  /// - Throws: ``TensorError`` for sequences that its window or its channels do not fit, or where
  ///   there is no memory for the weight.
  package func onnx(_ x: ONNXValue, in graph: ONNXGraph) throws -> ONNXValue {
    let x = try graph.paddingFilled(graph.channelsFirst(x))
    var y = try graph.convolution(
      "Conv", x, weight, bias, window.attributes("conv1d", groups: options.groups, isRow: true),
      row: outputShape(for: x.row))
    y.lengths = try graph.lengths(x.lengths, behind: window, upTo: y.row[0])
    return y
  }
}

extension ConvTranspose2d: BuiltInONNXLayer {
  /// `ConvTranspose`.
  ///
  /// - Throws: ``TensorError`` for images that its window or its channels do not fit, or where
  ///   there is no memory for the weight.
  package func onnx(_ x: ONNXValue, in graph: ONNXGraph) throws -> ONNXValue {
    let x = graph.channelsFirst(x)
    return try graph.convolution(
      "ConvTranspose", x, weight, bias,
      window.attributes("conv_transpose2d", groups: options.groups, isRow: false),
      row: outputShape(for: x.row))
  }
}

extension ConvTranspose1d: BuiltInONNXLayer {
  /// `ConvTranspose` over sequences.
  ///
  /// - Throws: ``LayerExportError`` where rows end, and ``TensorError`` for sequences that its window or its channels do
  ///   not fit, or where there is no memory for the weight.
  package func onnx(_ x: ONNXValue, in graph: ONNXGraph) throws -> ONNXValue {
    try graph.requireWholeRows(
      x, self, "its rows get lengths of their own; pack rows of one length")
    let x = graph.channelsFirst(x)
    return try graph.convolution(
      "ConvTranspose", x, weight, bias,
      window.attributes("conv_transpose1d", groups: options.groups, isRow: true),
      row: outputShape(for: x.row))
  }
}

extension SqueezeExcitation: BuiltInONNXLayer {
  /// A gate for each channel of its mean over the image.
  ///
  /// - Throws: ``TensorError`` for images of other channels, or where there is no memory for the
  ///   weights.
  package func onnx(_ x: ONNXValue, in graph: ONNXGraph) throws -> ONNXValue {
    let x = graph.channelsFirst(x)
    let mean = x.with(
      graph.node("GlobalAveragePool", [x.name]), row: [1, 1, x.row[2]])
    let squeezed = try graph.add(fc1, to: mean)
    let gate = try graph.add(fc2, to: squeezed.with(graph.node("Relu", [squeezed.name])))
    return x.with(graph.node("Mul", [x.name, graph.node("Sigmoid", [gate.name])]))
  }
}

extension SpectralNorm: BuiltInONNXLayer {
  /// The layer, its weight divided by its largest singular value as it stands.
  ///
  /// - Throws: ``TensorError`` for inputs that the layer does not take, or where there is no memory
  ///   for the singular value or the weight.
  package func onnx(_ x: ONNXValue, in graph: ONNXGraph) throws -> ONNXValue {
    graph.divide(weight, by: try sigma(graph.context))
    return try graph.add(layer, to: x)
  }
}
