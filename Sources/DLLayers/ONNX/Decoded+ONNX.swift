import DLTensor

extension CRF: ONNXLayer {
  /// The scores of single tags as they are: no operator of ONNX finds the best path.
  public func onnx(_ x: ONNXValue, in graph: ONNXGraph) -> ONNXValue { x }
}

extension DetectionHead: BuiltInONNXLayer {
  /// The scores and offsets of all anchors as they are.
  package func onnx(_ x: ONNXValue, in graph: ONNXGraph) -> ONNXValue { x }
}
