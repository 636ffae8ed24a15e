import DLData
import DLLayers
import DLModels
import DLTensor

/// A network over long sequences, trained in stretches: row b of a step goes on where row b of the
/// step before ended, and so does its state, through which no gradient flows.
///
/// Truncated back-propagation through time (Williams and Peng 1990). The state starts anew with
/// each epoch, and with each validation.
final class SequentialTask: NetworkTask {
  private let network: any Layer
  private let loss: any Loss
  /// Computes the outputs of a stretch from the states of the recurrent layers, nil for the
  /// beginning, and the states behind it.
  private let stretch: Stretch
  /// The states behind the last step, one list for each micro-batch.
  private var states: [Int: [RecurrentState]] = [:]
  /// Those before it, to go back to.
  private var statesBefore: [Int: [RecurrentState]] = [:]
  private var validationStates: [RecurrentState]?

  private typealias Stretch = (Tensor, [RecurrentState]?) throws -> (Tensor, [RecurrentState])

  var model: Module { network }

  /// Takes a layer with a state, or a chain with recurrent layers, over rows that go on where those
  /// before ended.
  ///
  /// - Throws: `TensorError` for recurrent layers whose state cannot go on.
  static func make(_ network: Module, _ input: TaskInput) throws -> (any TrainingTask)? {
    guard input.configuration.data.order == .sequential else { return nil }
    let loss = input.configuration.loss.loss
    if let network = network as? any StatefulLayer {
      return SequentialTask(network, loss: loss) { x, states in
        let (output, state) = try network.forward(x, state: states?.first)
        return (output, [state])
      }
    }
    let recurrent = network.modules().compactMap { $0 as? Recurrent }
    guard !recurrent.isEmpty, input.configuration.data.window != nil else { return nil }
    guard let chain = network as? Sequential, chain.recurrentLayers.count == recurrent.count else {
      throw TensorError(
        op: "data.order",
        "sequential: a recurrent layer stands within another layer, where no state is carried from "
          + "stretch to stretch; put it into the chain, or use order: shuffled")
    }
    if let both = recurrent.first(where: \.isBidirectional) {
      throw TensorError(
        op: "data.order",
        "sequential: \(both.cell.name) is bidirectional and reads each stretch from its end too, "
          + "where no state comes from; use one direction, or order: shuffled")
    }
    return SequentialTask(chain, loss: loss) { try chain.forward($0, states: $1) }
  }

  private init(_ network: any Layer, loss: any Loss, stretch: @escaping Stretch) {
    self.network = network
    self.loss = loss
    self.stretch = stretch
  }

  func domains(_ row: Batch) throws -> DataDomains {
    try loss.domains(network, outputs: network(row.x).shape, row)
  }

  func denominator(_ batch: Batch, phase: Int) throws -> Double { try loss.denominator(batch.y) }

  func lossSum(_ batch: Batch, phase: Int) throws -> Tensor {
    let (output, after) = try stretch(batch.x, batch.startsEpoch ? nil : states[batch.index])
    if batch.index == 0 { statesBefore = states }
    states[batch.index] = after.map { $0.detached() }
    return try loss.sum(output, batch.y)
  }

  func evaluate(_ batch: Batch, into totals: inout ValidationTotals) throws {
    let (output, after) = try stretch(batch.x, batch.startsEpoch ? nil : validationStates)
    validationStates = after.map { $0.detached() }
    try totals.add(output, batch, loss)
  }

  func predictions(_ batch: Batch) throws -> Predictions {
    try loss.predictions(network(batch.x))
  }

  let carriesState = true

  /// The first recurrent layer's as `hidden.MICROBATCH`, those behind it as
  /// `hidden.MICROBATCH.LAYER`.
  var carriedState: [(name: String, rows: Tensor)] {
    get throws {
      try states.sorted { $0.key < $1.key }.flatMap { index, layers in
        try layers.enumerated().flatMap { layer, state in
          try [("hidden", state.hidden), ("cell", state.cell)].compactMap { name, tensor in
            try tensor.map { (Self.name(name, index, layer), try $0.permute(1, 0, 2)) }
          }
        }
      }
    }
  }

  func restoreCarriedState(_ rows: [String: Tensor]) throws {
    var index = 0
    while rows[Self.name("hidden", index, 0)] != nil {
      var layers: [RecurrentState] = []
      while let hidden = rows[Self.name("hidden", index, layers.count)] {
        let cell = rows[Self.name("cell", index, layers.count)]
        layers.append(
          RecurrentState(
            hidden: try hidden.permute(1, 0, 2), cell: try cell?.permute(1, 0, 2)))
      }
      states[index] = layers
      index += 1
    }
  }

  func takeBackCarriedState() { states = statesBefore }

  private static func name(_ part: String, _ index: Int, _ layer: Int) -> String {
    "\(part).\(index)" + (layer == 0 ? "" : ".\(layer)")
  }
}
