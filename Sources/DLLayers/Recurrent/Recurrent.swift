import DLConfiguration
import DLTensor

/// The part of its results that a recurrent layer hands to the next layer of a chain.
public enum RecurrentReturn: String, ConfigurationWord {
  /// The outputs of all time steps.
  case sequence
  /// The final hidden state of the last layer, both directions side by side.
  case last
}

/// The parameters of one direction of one recurrent layer.
package struct RecurrentParameters {
  /// The weight of the input, `[gates · hidden, features]`.
  package let weightIH: Parameter
  /// The weight of the state, `[gates · hidden, hidden]`.
  package let weightHH: Parameter
  /// The bias beside the input's product, `[gates · hidden]`.
  package let biasIH: Parameter?
  /// The bias beside the state's product, `[gates · hidden]`.
  package let biasHH: Parameter?

  fileprivate init(_ gates: Int, _ features: Int, _ hidden: Int, bias: Bool) {
    // PyTorch starts all of them by the state's width, the weight of the input too.
    func parameter(_ shape: Shape) -> Parameter { Parameter(shape, initializer: .fanIn(hidden)) }
    weightIH = parameter([gates * hidden, features])
    weightHH = parameter([gates * hidden, hidden])
    biasIH = bias ? parameter([gates * hidden]) : nil
    biasHH = bias ? parameter([gates * hidden]) : nil
  }

  fileprivate var weights: RecurrentWeights {
    get throws {
      RecurrentWeights(
        input: try weightIH.value, hidden: try weightHH.value, inputBias: try biasIH?.value,
        hiddenBias: try biasHH?.value)
    }
  }
}

/// The base of ``RNN``, ``LSTM`` and ``GRU``: layers of one cell over sequences.
///
/// Shapes: input `[batch, time, features]`, output `[batch, time, directions · hidden]`, both with
/// time first unless `batchFirst`; states `[layers · directions, batch, hidden]`. Long sequences
/// are trained in stretches by handing the state on:
///
/// ```swift
/// let (output, next) = try lstm(x, state: state)
/// state = next.detached()  // no gradient flows into the stretch before
/// ```
public class Recurrent: BuiltInLayer {
  /// The function that a time step computes.
  package let cell: RecurrentCell
  /// Features of the input.
  package let inputSize: Int
  package let options: RecurrentOptions
  /// True if the batch is the first axis, and time the second.
  package let batchFirst: Bool
  /// The parameters by layer and direction.
  package let parameters: [[RecurrentParameters]]

  /// True if every layer also reads its input from the end.
  package var isBidirectional: Bool { options.bidirectional }

  private var calls = DropoutCalls()

  init(_ cell: RecurrentCell, inputSize: Int, _ options: RecurrentOptions, batchFirst: Bool) {
    self.cell = cell
    self.inputSize = inputSize
    self.options = options
    self.batchFirst = batchFirst
    let (hidden, directions) = (options.hidden, options.directions)
    parameters = (0..<max(options.layers, 0)).map { layer in
      (0..<directions).map { _ in
        RecurrentParameters(
          cell.gates, layer == 0 ? inputSize : directions * hidden, hidden, bias: options.bias)
      }
    }
  }

  /// The parameters under PyTorch's names, such as `weight_ih_l0` and `bias_hh_l1_reverse`.
  override var ownChildren: [(name: String, value: Any)] {
    parameters.enumerated().flatMap { layer, directions in
      directions.enumerated().flatMap { direction, parameters in
        [
          ("weight_ih", parameters.weightIH), ("weight_hh", parameters.weightHH),
          ("bias_ih", parameters.biasIH), ("bias_hh", parameters.biasHH),
        ].compactMap { name, parameter in
          parameter.map { ("\(name)_l\(layer)\(direction == 1 ? "_reverse" : "")", $0) }
        }
      }
    }
  }

  /// Runs over the sequences from a state; nil for zeros.
  ///
  /// Shapes: `[batch, time, features]` to `[batch, time, directions · hidden]`, or time first in
  /// both.
  ///
  /// - Parameters:
  ///   - state: as an earlier call returned it.
  ///   - lengths: int32 `[batch]`, the valid steps of each row; output past them is 0, and the state
  ///     returned is that of the last valid step.
  /// - Returns: the outputs of all time steps, and the state after the last.
  /// - Throws: ``TensorError`` for shapes that do not fit, or a length outside `0 ... time`.
  public func callAsFunction(_ x: Tensor, state: RecurrentState?, lengths: Tensor? = nil) throws
    -> (output: Tensor, state: RecurrentState)
  {
    try applied(in: x.context) {
      try x.recurrent(
        cell, weights: parameters.map { try $0.map { try $0.weights } }, state: state,
        lengths: lengths, dropout: dropoutKey(x.context).map { (options.dropout, $0) },
        batchFirst: batchFirst)
    }
  }

  /// Runs over the sequences from a state of zeros and gives what the option `returns` says; rows
  /// end where their ``Tensor/lengths`` say.
  override func forward(from x: Tensor) throws -> Tensor {
    try forward(x, state: nil).output
  }

  /// The same from a state, and the state behind the last step.
  func forward(_ x: Tensor, state: RecurrentState?) throws -> (
    output: Tensor, state: RecurrentState
  ) {
    let (output, next) = try self(x, state: state, lengths: batchFirst ? x.lengths : nil)
    guard options.returns == .last else { return (output, next) }
    return (try next.lastLayer(directions: options.directions), next)
  }

  /// All positions: those before it, and with two directions those behind it.
  override var ownReceptiveField: ReceptiveField { .everything }

  /// The number of products: each weight is used once per time step.
  override func multiplyAdds(from input: Shape, to output: Shape) -> Int {
    input.leading.productOrMax(ownMatrixElements)
  }

  /// PyTorch's counterpart takes `[batch, time, features]`.
  override var ownSequenceLayout: SequenceLayout? { .channelsLast }

  /// The output's shape without its batch axis, for an input `[time, features]`.
  override func outputShape(from input: Shape) throws -> Shape {
    guard input.rank == 2, input[1] == inputSize else {
      throw TensorError(
        op: cell.name, "input has shape \(input), weight expects [time, \(inputSize)]")
    }
    let width = options.directions * options.hidden
    return options.returns == .last ? [width] : [input[0], width]
  }

  /// The key of this call's dropout, formed as ``Dropout``'s; nil where nothing is to be dropped.
  private func dropoutKey(_ context: Context) -> RandomKey? {
    guard context.isTraining, options.dropout > 0, parameters.count > 1 else { return nil }
    return calls.next(context, path: path)
  }
}
