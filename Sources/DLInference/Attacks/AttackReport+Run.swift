import DLCluster
import DLCore
import DLData
import DLFormats
import DLLayers
import DLTensor
import DLTraining

extension AttackReport {
  /// Attacks a trained classifier on all ranks, each row on one of them; collective.
  ///
  /// - Throws: `RankFailure`, the same on every rank.
  package init(
    _ run: LoadedRun, _ request: AttackRequest, communicator: any Communicator
  ) throws {
    let target = try AttackTarget(run, request, communicator: communicator)
    var attacks: [Double?] = request.method.takesEpsilon ? request.epsilons : [nil]
    if attacks.isEmpty { attacks = [nil] }
    var outcomes: [RowOutcomes] = []
    for epsilon in attacks { outcomes.append(try target.attack(epsilon: epsilon)) }
    self.init(run, request, target, outcomes, attacks)
  }

  private init(
    _ run: LoadedRun, _ request: AttackRequest, _ target: AttackTarget, _ outcomes: [RowOutcomes],
    _ sizes: [Double?]
  ) {
    method = request.method.word
    norm = request.options.norm
    checkpoint = run.checkpoint
    data = target.path
    rows = target.deal.rows.count
    rowsOfData = target.dataset.count
    self.target = target.goal
    names = target.names
    let first = outcomes[0]
    let eligible = first.isEligible(target.goal)
    rightBefore = zip(first.labels, first.before).count { $0 == $1 }
    self.eligible = eligible.count { $0 }
    func level(_ outcome: RowOutcomes, _ epsilon: Double?, within limit: Double?) -> Level {
      let sizes = request.options.norm == .l2 ? outcome.l2 : outcome.linf
      let isIn = sizes.map { size in limit.map { size <= $0 * (1 + 1e-6) } ?? true }
      let won = outcome.labels.indices.filter {
        eligible[$0] && isIn[$0] && outcome.isSuccess($0, target.goal)
      }
      let right = outcome.labels.indices.count {
        let predicted = isIn[$0] ? outcome.after[$0] : outcome.before[$0]
        return predicted == outcome.labels[$0]
      }
      func mean(_ values: [Double]) -> Double {
        // 0 / 0 has its sign from the CPU.
        won.isEmpty ? .nan : won.reduce(0) { $0 + values[$1] } / Double(won.count)
      }
      return Level(
        epsilon: epsilon, successes: won.count, right: right, meanL2: mean(outcome.l2),
        meanLinf: mean(outcome.linf))
    }
    if request.method.takesEpsilon {
      levels = zip(outcomes, sizes).map { level($0, $1, within: nil) }
    } else {
      let isCounted = request.method is OnePixel.Type
      levels =
        (isCounted ? [] : request.epsilons.map { level(first, $0, within: $0) })
        + [level(first, nil, within: nil)]
    }
    predictions = outcomes.map(\.after)
    pictures = outcomes[outcomes.count - 1].pictures
    imageShape = target.dataset.inputShape
    range = target.network.range ?? 0...1
  }
}

/// The outcome for each row, in the order of rows.
struct RowOutcomes {
  var labels: [Int] = []
  var before: [Int] = []
  var after: [Int] = []
  var l2: [Double] = []
  var linf: [Double] = []
  var pictures: [AttackReport.Picture] = []

  /// The rows that an attack can succeed with.
  func isEligible(_ goal: Int?) -> [Bool] {
    labels.indices.map { row in
      goal.map { labels[row] != $0 && before[row] != $0 } ?? (labels[row] == before[row])
    }
  }

  /// Returns whether a row's class is what was wanted.
  func isSuccess(_ row: Int, _ goal: Int?) -> Bool {
    goal.map { after[row] == $0 } ?? (after[row] != labels[row])
  }
}

/// A run's network and data, opened to be attacked.
private final class AttackTarget {
  let request: AttackRequest
  let path: String
  let trained: LoadedNetwork
  let dataset: any Dataset
  let network: AttackedNetwork
  let deal: BatchDeal
  let goal: Int?
  let names: [String]?
  private let transform: InputTransform
  private var context: Context { trained.context }

  init(_ run: LoadedRun, _ request: AttackRequest, communicator: any Communicator) throws {
    self.request = request
    let rows = try communicator.agreed("open the run") {
      try RunRows(run, .validation, named: request.data)
    }
    let statistics = try TrainingData.statistics(of: [rows.path], over: communicator)
    let opened = try communicator.agreed("open the run") {
      let trained = try LoadedNetwork(run, communicator: communicator)
      let configuration = trained.configuration
      let dataset = try rows.open(.test, trained, source: run.folder, statistics: statistics)
      guard configuration.loss.loss is any ClassLoss, dataset.labelType == .int32,
        dataset.labelShape.isEmpty
      else {
        throw UsageError("\(run.folder): its rows have not one class each; attack a classifier")
      }
      let transform = try InputTransform(
        from: dataset.inputType, shape: dataset.inputShape,
        precision: configuration.precision.dtype)
      try TrainingData.checkLabels(of: dataset, configuration.loss)
      try trained.checkValues(of: dataset, transform)
      return (trained: trained, dataset: dataset, transform: transform)
    }
    path = rows.path
    (trained, dataset, transform) = opened
    let configuration = trained.configuration
    deal = BatchDeal(
      count: dataset.count, rows: request.rows, seed: configuration.seed,
      batchSize: min(configuration.validate.batchSize ?? configuration.batchSize, 128),
      communicator: communicator)
    let (deal, dataset, trained, transform) = (deal, dataset, trained, transform)
    var range = request.range
    if range == nil {
      range =
        dataset.inputType == .uint8
        ? 0...1 : try AttackTarget.range(of: dataset, deal, transform, trained.context)
    }
    (network, goal, names) = try communicator.agreed("look at the network") {
      let network = try AttackedNetwork(
        trained.task, configuration, inputs: dataset.inputType, range: range,
        context: trained.context)
      let names = trained.classNames?.names
      return (network, try AttackTarget.goal(request.target, names, trained.classes), names)
    }
  }

  private static func goal(_ target: String?, _ names: [String]?, _ classes: Int?) throws -> Int? {
    guard let target else { return nil }
    if let index = names?.firstIndex(of: target) { return index }
    guard let index = Int(target), (0..<(classes ?? Int.max)).contains(index) else {
      throw UsageError(
        "\(OptionName.target) \(target): no such class; give "
          + (names.map { "one of \($0.prefix(12).joined(separator: ", "))" }
            ?? "0 to \((classes ?? 1) - 1)"))
    }
    return index
  }

  /// The least and the largest value of the rows that are attacked; collective.
  private static func range(
    of dataset: any Dataset, _ deal: BatchDeal, _ transform: InputTransform, _ context: Context
  ) throws -> ClosedRange<Double>? {
    guard transform.outputType != .int32 else { return nil }
    var mine = [Double.infinity, -.infinity]
    try context.communicator.agreed("look at the inputs") {
      for batch in deal.mine {
        let x = try dataset.batch(of: deal.rows(of: batch), transform, context: context).x.doubles
        mine[0] = min(mine[0], x.min() ?? .infinity)
        mine[1] = max(mine[1], x.max() ?? -.infinity)
      }
    }
    let all = try context.communicator.allgather(mine)
    let low = stride(from: 0, to: all.count, by: 2).reduce(.infinity) { min($0, all[$1]) }
    let high = stride(from: 1, to: all.count, by: 2).reduce(-.infinity) { max($0, all[$1]) }
    return low < high ? low...high : nil
  }

  /// Attacks all rows with changes of one size; collective.
  func attack(epsilon: Double?) throws -> RowOutcomes {
    var options = request.options
    options.isTargeted = goal != nil
    if let epsilon { options.epsilon = epsilon }
    var attack = request.method.init(options)
    try attack.learn(from: Field(target: self), network)
    var mine = RowOutcomes()
    try context.communicator.agreed("attack the rows") {
      try network.attacked {
        for index in deal.mine { try add(index, attack, to: &mine) }
      }
    }
    return try gathered(mine)
  }

  /// A batch before normalization, with its numbers in the data set.
  private func read(_ index: Int) throws -> (batch: Batch, rows: [Int], attacked: AttackRows) {
    let rows = deal.rows(of: index)
    let batch = try dataset.batch(of: rows, transform, context: context)
    let key = RandomKey(trained.configuration.seed).child("attack")
    var labels = batch.y
    if let goal {
      labels = try .labels(
        [Int32](repeating: Int32(goal), count: batch.rows), context: context)
    }
    return (
      batch, rows, AttackRows(pixels: batch.x, labels: labels, keys: rows.map { key.child($0) })
    )
  }

  private func add(_ index: Int, _ attack: any Attack, to outcomes: inout RowOutcomes) throws {
    let (batch, rows, attacked) = try read(index)
    let before = try network.outputs(batch.x).argmax().doubles.map { Int($0) }
    let changed = try attack.perturbed(attacked, network)
    let after = try network.outputs(changed).argmax().doubles.map { Int($0) }
    let difference = try changed - batch.x
    let labels = batch.y.doubles.map { Int($0) }
    let first = outcomes.labels.count
    outcomes.labels += labels
    outcomes.before += before
    outcomes.after += after
    outcomes.l2 += try AttackNorm.l2.sizes(of: difference)
    outcomes.linf += try AttackNorm.linf.sizes(of: difference)
    let width = dataset.inputCount
    let eligible = outcomes.isEligible(goal)
    var images: (original: [Double], changed: [Double])?
    for row in rows.indices where outcomes.pictures.count < request.pictures {
      guard eligible[first + row], outcomes.isSuccess(first + row, goal) else { continue }
      let all = images ?? (batch.x.doubles, changed.doubles)
      images = all
      let part = row * width..<(row + 1) * width
      outcomes.pictures.append(
        .init(
          row: rows[row], label: labels[row], before: before[row], after: after[row],
          original: Array(all.original[part]), changed: Array(all.changed[part])))
    }
  }

  /// The outcomes of all ranks, in the order of rows; collective.
  private func gathered(_ mine: RowOutcomes) throws -> RowOutcomes {
    let communicator = context.communicator
    let width = dataset.inputCount
    var all = RowOutcomes()
    let numbers = mine.labels.indices.flatMap {
      [
        Double(mine.labels[$0]), Double(mine.before[$0]), Double(mine.after[$0]), mine.l2[$0],
        mine.linf[$0],
      ]
    }
    let pictures = mine.pictures.flatMap { picture in
      [picture.row, picture.label, picture.before, picture.after].map(Double.init)
        + picture.original + picture.changed
    }
    for rank in 0..<communicator.size {
      let theirs = try communicator.broadcast(numbers, root: rank)
      for start in stride(from: 0, to: theirs.count, by: 5) {
        all.labels.append(Int(theirs[start]))
        all.before.append(Int(theirs[start + 1]))
        all.after.append(Int(theirs[start + 2]))
        all.l2.append(theirs[start + 3])
        all.linf.append(theirs[start + 4])
      }
      let images = try communicator.broadcast(pictures, root: rank)
      for start in stride(from: 0, to: images.count, by: 4 + 2 * width)
      where all.pictures.count < request.pictures {
        let facts = (0..<4).map { Int(images[start + $0]) }
        all.pictures.append(
          .init(
            row: facts[0], label: facts[1], before: facts[2], after: facts[3],
            original: Array(images[start + 4..<start + 4 + width]),
            changed: Array(images[start + 4 + width..<start + 4 + 2 * width])))
      }
    }
    return all
  }

  /// The rows of all ranks for an attack that learns from them.
  private struct Field: AttackField {
    let target: AttackTarget

    var shape: Shape { Shape(target.dataset.inputShape) }

    func sum(_ count: Int, _ body: (AttackRows) throws -> Tensor) throws -> Tensor {
      try target.deal.sum(count, "learn from the rows", context: target.context) { range in
        try target.network.attacked {
          var total = try Tensor.zeros([count], dtype: .float64, context: target.context)
          for index in range { total = try total + body(target.read(index).attacked) }
          return total
        }
      }
    }
  }
}

extension Communicator {
  /// The root's numbers, of any count; other ranks' arguments are ignored.
  fileprivate func broadcast(_ values: [Double], root: Int) throws -> [Double] {
    let bytes = values.withUnsafeBytes { Array($0) }
    let result = try broadcast(bytes, root: root)
    return result.withUnsafeBytes { buffer in
      (0..<buffer.count / 8).map { buffer.loadUnaligned(fromByteOffset: 8 * $0, as: Double.self) }
    }
  }
}
