import DLCore
import DLFormats
import DLTensor

/// A layer that can be written as ONNX: `dltrain export --format onnx`.
///
/// The form says the same as `forward`, with dropout left out and statistics as they stand:
///
/// ```swift
/// extension LayerScale: ONNXLayer {
///   public func onnx(_ x: ONNXValue, in graph: ONNXGraph) throws -> ONNXValue {
///     let x = try graph.channelsLast(x)
///     return x.with(graph.node("Mul", [x.name, try graph.weight(gamma)]))
///   }
/// }
/// ```
public protocol ONNXLayer: Layer {
  /// Adds the layer's nodes to the graph.
  ///
  /// - Returns: what they give.
  /// - Throws: ``LayerExportError`` for options that have no such form.
  func onnx(_ x: ONNXValue, in graph: ONNXGraph) throws -> ONNXValue
}

/// A layer of the package that can be written as ONNX, which is ``ONNXLayer`` without being a part of
/// what programs see.
package protocol BuiltInONNXLayer: Layer {
  /// Adds the layer's nodes to the graph, as ``ONNXLayer`` does.
  ///
  /// - Throws: ``LayerExportError`` for options that have no such form.
  func onnx(_ x: ONNXValue, in graph: ONNXGraph) throws -> ONNXValue
}

/// A value of a network that is being written as ONNX.
public struct ONNXValue {
  /// The name that nodes know it by.
  public let name: String
  /// The shape of a row as layers give it, channels last.
  public let row: Shape
  /// True if the channels come before the other axes, as ONNX's convolutions want them.
  public let isChannelsFirst: Bool
  /// The name of the valid positions of each row, int64 `[batch]`; nil where all are.
  public var lengths: String?

  /// Makes a value.
  public init(_ name: String, row: Shape, isChannelsFirst: Bool = false, lengths: String? = nil) {
    self.name = name
    self.row = row
    self.isChannelsFirst = isChannelsFirst && row.rank > 1
    self.lengths = lengths
  }

  /// Another value of the same layout, and of the same shape unless given.
  public func with(_ name: String, row: Shape? = nil) -> ONNXValue {
    ONNXValue(name, row: row ?? self.row, isChannelsFirst: isChannelsFirst)
  }

  /// The axis of the channels, the batch's being 0.
  public var channelAxis: Int { isChannelsFirst ? 1 : row.rank }

  /// The axes of a row that are not its channels, the batch's being 0.
  var positionAxes: [Int] { Array(isChannelsFirst ? 2..<row.rank + 1 : 1..<row.rank) }

  /// A shape by which numbers of each channel go to all of its positions.
  func perChannel(_ count: Int) -> [Int] {
    isChannelsFirst ? [count] + [Int](repeating: 1, count: row.rank - 1) : [count]
  }
}

/// A layer that cannot be written in another program's words.
public struct LayerExportError: DLError {
  /// The format, as in `ONNX`.
  package let format: String
  /// The layer's path and type, as in `3 (LayerScale)`.
  package let layer: String
  /// Why, and what to do.
  package let reason: String
  /// 64.
  public var exitCode: ExitCode { .usage }

  /// Makes an error about a layer.
  public init(_ format: String, _ layer: Module, _ reason: String) {
    self.format = format
    let type = "\(type(of: layer))"
    self.layer = layer.path.isEmpty ? type : "\(layer.path) (\(type))"
    self.reason = reason
  }

  /// `layer 3 (LayerScale) cannot be written as ONNX: its type has no such form; use ...`.
  public var description: String { "layer \(layer) cannot be written as \(format): \(reason)" }
}
