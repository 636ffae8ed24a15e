import DLConfiguration
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

extension AttackNorm: ConfigurationWord {}

/// Training on inputs that are attacked with the weights at hand.
///
/// Madry et al. 2018, "Towards Deep Learning Models Resistant to Adversarial Attacks"; with fgsm
/// Goodfellow et al. 2015, section 6.
package struct AdversarialConfiguration: ConfigurationSection {
  /// The attacks that a training step can make.
  package enum Method: String, ConfigurationWord { case fgsm, ifgsm, pgd }

  /// The attack.
  package var method = Method.pgd
  /// The norm that measures changes.
  package var norm = AttackNorm.linf
  /// The size of changes, in the units of inputs before normalization.
  package var epsilon = 0.1
  /// Steps of the attack.
  package var steps = 5
  /// The length of a step; nil for 2.5 epsilon / steps.
  package var stepSize: Double?
  /// The share of rows that are attacked.
  package var share = 1.0
  /// The least and the largest value of inputs; nil for 0 and 1 of bytes, and none of others.
  package var range: [Double]?

  package init() {}

  package static var fields: [ConfigurationField<Self>] {
    [
      .init("method", \.method, "attack on the inputs of each step"),
      .init("norm", \.norm, "how changes are measured: linf, or l2 of a whole row"),
      .init("epsilon", \.epsilon, .above(0), "size of changes, in units before normalization"),
      .init("steps", \.steps, .within(1...1000), "steps of ifgsm and pgd"),
      .init("step_size", \.stepSize, .above(0), "length of a step; null for 2.5 epsilon / steps"),
      .init("share", \.share, .within(0...1), "share of rows that are attacked"),
      .init(
        "range", \.range, ConfigurationRule.none.count(2),
        "least and largest value of inputs; null for 0 and 1 of bytes, and none of others"),
    ]
  }

  /// Bounds that leave no value.
  package func problems() -> [ConfigurationProblem] {
    guard let range, !(range[0] < range[1]) else { return [] }
    return [.init("range", message: "give two ascending numbers, as [0, 1]")]
  }
}
