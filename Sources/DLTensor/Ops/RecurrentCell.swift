/// The function that a recurrent layer computes in a time step.
package enum RecurrentCell: Sendable, Hashable {
  /// `h' = tanh(W·x + b + R·h + c)`, Elman 1990.
  case tanh
  /// `h' = max(W·x + b + R·h + c, 0)`.
  case relu
  /// Long short-term memory, Hochreiter and Schmidhuber 1997, with gates i, f, g, o.
  case lstm
  /// The gated recurrent unit, Cho et al. 2014, with gates r, z, n, the reset after the product.
  case gru

  /// The number of gates: rows of a weight for each number of the state.
  package var gates: Int {
    switch self {
    case .tanh, .relu: 1
    case .lstm: 4
    case .gru: 3
    }
  }

  /// The name of the op in errors.
  package var name: String { "\(op)" }

  /// The same, as the tape keeps it.
  var op: StaticString {
    switch self {
    case .tanh, .relu: "rnn"
    case .lstm: "lstm"
    case .gru: "gru"
    }
  }
}

/// The parameters of one direction of one recurrent layer.
package struct RecurrentWeights {
  /// The weight of the input, `[gates · hidden, features]`.
  package let input: Tensor
  /// The weight of the state, `[gates · hidden, hidden]`.
  package let hidden: Tensor
  /// The bias beside the input's product, `[gates · hidden]`.
  package let inputBias: Tensor?
  /// The bias beside the state's product, `[gates · hidden]`.
  package let hiddenBias: Tensor?

  /// Groups the parameters.
  package init(
    input: Tensor, hidden: Tensor, inputBias: Tensor? = nil, hiddenBias: Tensor? = nil
  ) {
    self.input = input
    self.hidden = hidden
    self.inputBias = inputBias
    self.hiddenBias = hiddenBias
  }
}

/// The state that a recurrent network carries from one step, or one stretch of a sequence, to the
/// next.
///
/// Planes are ordered by layer, and within a layer forward then reverse, as PyTorch's `h_n` and
/// `c_n` are.
public struct RecurrentState {
  /// The hidden state, `[layers · directions, batch, hidden]`.
  public let hidden: Tensor
  /// The cell state of an LSTM, of the same shape.
  public let cell: Tensor?

  /// Makes a state.
  ///
  /// Shapes: both `[layers · directions, batch, hidden]`.
  public init(hidden: Tensor, cell: Tensor? = nil) {
    self.hidden = hidden
    self.cell = cell
  }

  /// The same numbers without their history: gradients end here, as between the stretches of
  /// truncated back-propagation.
  ///
  /// Counterpart: `torch.Tensor.detach`.
  public func detached() -> RecurrentState {
    RecurrentState(hidden: hidden.view(hidden.shape), cell: cell.map { $0.view($0.shape) })
  }

  /// The hidden state of the last layer, its directions side by side: `[batch, directions · hidden]`.
  ///
  /// - Throws: ``TensorError`` for a state that has not so many planes.
  package func lastLayer(directions: Int) throws -> Tensor {
    let shape = hidden.shape
    guard shape.rank == 3, directions > 0, directions <= shape[0] else {
      throw TensorError(
        op: "recurrent", "state has shape \(shape), expected \(directions) planes or more")
    }
    return try hidden.planes(shape[0] - directions..<shape[0]).permute(1, 0, 2)
      .reshape([shape[1], directions * shape[2]])
  }

  /// The planes of one layer.
  func planes(_ range: Range<Int>) throws -> RecurrentState {
    RecurrentState(hidden: try hidden.planes(range), cell: try cell?.planes(range))
  }

  /// The planes of all layers, in order.
  static func joining(_ states: [RecurrentState]) throws -> RecurrentState {
    let cells = states.compactMap(\.cell)
    return RecurrentState(
      hidden: try Tensor.joiningPlanes(states.map(\.hidden)),
      cell: cells.isEmpty ? nil : try Tensor.joiningPlanes(cells))
  }
}
