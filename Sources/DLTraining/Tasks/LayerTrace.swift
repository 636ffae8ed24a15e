import DLLayers
import DLTensor

/// The layers of a network in the order in which one row went through them.
package struct LayerTrace {
  /// A layer that was applied.
  package struct Step {
    package let layer: any Layer
    package let input: Tensor
    package let output: Tensor
    /// The inputs that its outputs depend on, from the network's input on.
    package let field: NetworkReceptiveField
    /// True if other layers were applied within it.
    package let isContainer: Bool

    /// The products that it adds up, those of its parts not among them.
    package var multiplyAdds: Int {
      layer.multiplyAdds(input: input.shape, output: output.shape)
    }
  }

  /// The layers; a container comes after its parts.
  package private(set) var steps: [Step] = []

  /// Runs `body`, which applies the network once, and notes each layer.
  ///
  /// - Throws: what `body` throws.
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
    // A branch may begin with the network's input, which no layer put out.
    let isInput = steps.first.map { $0.input === input } ?? true
    var before =
      steps.last { $0.output === input }?.field ?? (isInput ? nil : steps.last?.field)
      ?? NetworkReceptiveField()
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
