import DLTensor

extension Sequential {
  /// The recurrent layers along the chain, those of chains within it too.
  package var recurrentLayers: [Recurrent] {
    layers.flatMap { layer in
      (layer as? Recurrent).map { [$0] } ?? (layer as? Sequential)?.recurrentLayers ?? []
    }
  }

  /// Computes the outputs of a stretch from the states of the recurrent layers along the chain, and
  /// their states behind it.
  ///
  /// - Parameter states: as an earlier call returned them; nil for the beginning.
  /// - Throws: ``TensorError`` for shapes that do not fit.
  package func forward(_ x: Tensor, states: [RecurrentState]?) throws -> (
    output: Tensor, states: [RecurrentState]
  ) {
    var before = states?[...]
    var after: [RecurrentState] = []
    let output = try forward(x, before: &before, after: &after)
    return (output, after)
  }

  private func forward(
    _ x: Tensor, before: inout ArraySlice<RecurrentState>?, after: inout [RecurrentState]
  ) throws -> Tensor {
    var x = x
    for (index, layer) in layers.enumerated() {
      switch layer {
      case let chain as Sequential:
        x = try chain.forward(x, before: &before, after: &after)
      case let recurrent as Recurrent:
        let (output, state) = try recurrent.forward(x, state: before?.popFirst())
        after.append(state)
        x = output
      case let flatten as Flatten:
        x = try flatten(x, behind: layout(before: index))
      default:
        x = try layer(x)
      }
    }
    return x
  }
}
