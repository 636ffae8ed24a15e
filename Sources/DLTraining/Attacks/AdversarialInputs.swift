import DLCore
import DLData
import DLTensor

/// The attack on the inputs of each training step, by the weights before its update.
///
/// The attack sees the network in evaluation mode. What it draws is keyed by the run's seed, the step
/// and the row within the step's batch.
final class AdversarialInputs {
  private let network: AttackedNetwork
  private let attack: any Attack
  private let share: Double
  private let key: RandomKey

  /// Makes the attack of a job; nil where its configuration asks for none.
  ///
  /// - Throws: `UsageError` where inputs or task cannot be attacked.
  static func make(
    _ configuration: Configuration, _ task: any TrainingTask, inputs: DType, context: Context
  ) throws -> AdversarialInputs? {
    guard let settings = configuration.adversarial else { return nil }
    var options = AttackOptions()
    options.norm = settings.norm
    options.epsilon = settings.epsilon
    options.steps = settings.steps
    options.stepSize = settings.stepSize
    let range = settings.range.map { $0[0]...$0[1] } ?? (inputs == .uint8 ? 0...1 : nil)
    guard let type = Attacks.named(settings.method.rawValue) else { return nil }
    return AdversarialInputs(
      try AttackedNetwork(
        task, configuration, inputs: inputs, range: range, context: context, key: "adversarial"),
      type.init(options), share: settings.share, seed: configuration.seed)
  }

  private init(
    _ network: AttackedNetwork, _ attack: any Attack, share: Double, seed: UInt64
  ) {
    self.network = network
    self.attack = attack
    self.share = share
    key = RandomKey(seed).child("adversarial")
  }

  /// The batch with changed inputs.
  ///
  /// - Parameter firstRow: the place of its first row within the step's batch over all ranks.
  func changed(_ batch: Batch, step: Int, firstRow: Int) throws -> Batch {
    guard batch.rows > 0 else { return batch }
    let keys = (0..<batch.rows).map { key.child(step).child(firstRow + $0) }
    let x = try network.attacked {
      let pixels = try network.pixels(of: batch.x)
      let rows = AttackRows(pixels: pixels, labels: batch.y, keys: keys)
      return try network.normalized(attack.perturbed(rows, network))
    }
    var result = Batch(x: try mixed(x, batch.x, keys), y: batch.y)
    result.longestRow = batch.longestRow
    result.index = batch.index
    result.startsEpoch = batch.startsEpoch
    result.turn = batch.turn
    result.firstRow = batch.firstRow
    result.x.lengths = batch.x.lengths
    return result
  }

  /// The changed rows where the share takes them, the others as they were.
  private func mixed(_ changed: Tensor, _ original: Tensor, _ keys: [RandomKey]) throws -> Tensor {
    guard share < 1 else { return changed }
    let isTaken = keys.map { key in
      var stream = RandomStream(key.child("share"))
      return stream.uniform() < share
    }
    let shape = Shape([keys.count] + [Int](repeating: 1, count: changed.shape.rank - 1))
    let mask = try Tensor.mask(isTaken, shape: shape, context: changed.context)
    return try network.attacked { try changed.where(mask, else: original) }
  }
}

extension RunSetup {
  /// Refuses a job whose inputs cannot be attacked as it asks.
  func requireAttackable(_ context: Context) throws {
    _ = try AdversarialInputs.make(
      configuration, task, inputs: data.transform.inputType, context: context)
  }
}
