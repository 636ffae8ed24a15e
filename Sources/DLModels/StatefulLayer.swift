import DLLayers
import DLTensor

/// A network over sequences whose state goes on from one stretch to the next.
public protocol StatefulLayer: Layer {
  /// Computes the outputs of a stretch from a state, nil for the beginning, and the state behind
  /// it.
  ///
  /// Shapes: x and output `[batch, time, ...]`.
  ///
  /// - Throws: ``TensorError`` for shapes that do not fit.
  func forward(_ x: Tensor, state: RecurrentState?) throws -> (
    output: Tensor, state: RecurrentState
  )
}

extension StatefulLayer {
  /// Computes the outputs of sequences from their beginning.
  ///
  /// Shapes: `[batch, time, ...]` to the same two axes and any behind them.
  ///
  /// - Throws: ``TensorError`` when the input does not fit.
  public func forward(_ x: Tensor) throws -> Tensor { try forward(x, state: nil).output }
}
