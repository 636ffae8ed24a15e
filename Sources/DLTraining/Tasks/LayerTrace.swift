import DLLayers
import DLTensor

/// The layers of a network in the order in which one row went through them.
package struct LayerTrace {
  /// A layer that was applied.
  package struct Step {
    package let layer: any Layer
    package let input: Tensor
    package let output: Tensor
    /// What its outputs depend on, from the network's input on.
    package let field: NetworkReceptiveField
    /// Whether other layers were applied within it.
    package let isContainer: Bool

    /// The products that it adds up, those of its parts not among them.
    package var multiplyAdds: Int {
      layer.multiplyAdds(input: input.shape, output: output.shape)
    }
  }

  /// The layers; a container comes after its parts.
  package private(set) var steps: [Step] = []

  /// Runs `body`, which applies the network once, and notes each layer.
  package static func of(_ context: Context, _ body: () throws -> Void) rethrows -> LayerTrace {
    var trace = LayerTrace()
    context.layerObserver = { layer, input, output in
      guard let layer = layer as? any Layer else { return }
      trace.note(layer, input, output)
    }
    defer { context.layerObserver = nil }
    try body()
    return trace
  }

  /// The tensors are kept, so that one is known again by its identity.
  private mutating func note(_ layer: any Layer, _ input: Tensor, _ output: Tensor) {
    let inner = steps.reversed().prefix { $0.layer.isPart(of: layer) }
    var before =
      steps.last { $0.output === input }?.field ?? steps.last?.field ?? NetworkReceptiveField()
    // What has lost the image's axes has seen all of it, by pooling or a change of shape that is no
    // layer.
    if let first = steps.first, input.shape.rank < first.input.shape.rank { before.isWhole = true }
    let field =
      inner.isEmpty ? before.seen(by: layer.receptiveField) : inner.map(\.field).reduce(before, max)
    steps.append(
      Step(
        layer: layer, input: input, output: output, field: field, isContainer: !inner.isEmpty))
  }
}

extension Layer {
  fileprivate func isPart(of other: any Layer) -> Bool {
    other.path.isEmpty ? !path.isEmpty : path.hasPrefix(other.path + ".")
  }
}

/// The pixels of the input that an output depends on, and their distance from those of its
/// neighbor.
///
///     size = size + (window - 1) * distance,  distance = distance * stride
///
/// Araujo, Norris and Sim, "Computing Receptive Fields of Convolutional Neural Networks" (2019),
/// equations 2 and 3.
package struct NetworkReceptiveField: Equatable {
  /// Pixels in one direction.
  struct Axis: Equatable {
    var size = 1.0
    var distance = 1.0

    /// Behind a window of a reach and a stride, or its transposed.
    func behind(reach: Int, stride: Int, isTransposed: Bool) -> Axis {
      guard isTransposed else {
        return Axis(
          size: size + Double(reach - 1) * distance, distance: distance * Double(stride))
      }
      // So many input positions may cover an output position.
      let covering = (reach + stride - 1) / stride
      return Axis(
        size: size + Double(covering - 1) * distance, distance: distance / Double(stride))
    }
  }

  var height = Axis()
  var width = Axis()
  /// Whether outputs depend on all of the input.
  var isWhole = false

  /// The field of a layer's outputs over inputs with this one.
  func seen(by field: ReceptiveField) -> NetworkReceptiveField {
    func slid(_ window: Window2d, isTransposed: Bool) -> NetworkReceptiveField {
      var result = self
      let extent = window.reach
      result.height = height.behind(
        reach: extent.height, stride: window.stride.height, isTransposed: isTransposed)
      result.width = width.behind(
        reach: extent.width, stride: window.stride.width, isTransposed: isTransposed)
      return result
    }
    switch field {
    case .position: return self
    case .window(let window): return slid(window, isTransposed: false)
    case .transposed(let window): return slid(window, isTransposed: true)
    case .everything:
      var result = self
      result.isWhole = true
      return result
    }
  }

  /// `5`, `5x3`, or `all`.
  package var text: String {
    if isWhole { return "all" }
    let (rows, columns) = (Int(height.size), Int(width.size))
    return rows == columns ? "\(rows)" : "\(rows)x\(columns)"
  }
}

/// The wider of two fields.
private func max(_ a: NetworkReceptiveField, _ b: NetworkReceptiveField) -> NetworkReceptiveField {
  func wider(_ a: NetworkReceptiveField.Axis, _ b: NetworkReceptiveField.Axis)
    -> NetworkReceptiveField.Axis
  {
    NetworkReceptiveField.Axis(
      size: Swift.max(a.size, b.size), distance: a.size >= b.size ? a.distance : b.distance)
  }
  return NetworkReceptiveField(
    height: wider(a.height, b.height), width: wider(a.width, b.width),
    isWhole: a.isWhole || b.isWhole)
}
