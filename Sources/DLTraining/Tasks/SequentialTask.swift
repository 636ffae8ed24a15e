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
  private let network: any StatefulLayer
  private let loss: any Loss
  /// The states behind the last step, one for each micro-batch.
  private var states: [Int: RecurrentState] = [:]
  private var validationState: RecurrentState?

  var model: Module { network }

  /// Takes a layer with a state, over rows that go on where those before ended.
  static func make(_ network: Module, _ input: TaskInput) -> (any TrainingTask)? {
    guard let network = network as? any StatefulLayer, input.configuration.data.order == .sequential
    else { return nil }
    return SequentialTask(network, loss: input.configuration.loss.loss)
  }

  init(_ network: any StatefulLayer, loss: any Loss) {
    self.network = network
    self.loss = loss
  }

  func domains(_ row: Batch) throws -> DataDomains {
    try loss.domains(network, outputs: network(row.x).shape, row)
  }

  func denominator(_ batch: Batch, phase: Int) throws -> Double { try loss.denominator(batch.y) }

  func lossSum(_ batch: Batch, phase: Int) throws -> Tensor {
    let before = batch.startsEpoch ? nil : states[batch.index]
    let (output, after) = try network.forward(batch.x, state: before)
    states[batch.index] = after.detached()
    return try loss.sum(output, batch.y)
  }

  func evaluate(_ batch: Batch, into totals: inout ValidationTotals) throws {
    let (output, after) = try network.forward(
      batch.x, state: batch.startsEpoch ? nil : validationState)
    validationState = after.detached()
    try totals.add(output, batch, loss)
  }

  func predictions(_ batch: Batch) throws -> Predictions {
    try loss.predictions(network.forward(batch.x, state: nil).output)
  }

  let carriesState = true

  var carriedState: [(name: String, rows: Tensor)] {
    get throws {
      try states.sorted { $0.key < $1.key }.flatMap { index, state in
        try [("hidden", state.hidden), ("cell", state.cell)].compactMap { name, tensor in
          try tensor.map { ("\(name).\(index)", try $0.permute(1, 0, 2)) }
        }
      }
    }
  }

  func restoreCarriedState(_ rows: [String: Tensor]) throws {
    for (name, hidden) in rows where name.hasPrefix("hidden.") {
      guard let index = Int(name.dropFirst("hidden.".count)) else { continue }
      states[index] = RecurrentState(
        hidden: try hidden.permute(1, 0, 2), cell: try rows["cell.\(index)"]?.permute(1, 0, 2))
    }
  }
}
