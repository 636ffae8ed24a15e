extension CRF: BuiltInONNXLayer {
  /// The scores of single tags as they are: no operator of ONNX finds the best path.
  package func onnx(_ x: ONNXValue, in graph: ONNXGraph) -> ONNXValue { x }
}
