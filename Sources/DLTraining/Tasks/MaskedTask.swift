import DLData
import DLLayers
import DLModels
import DLTensor

/// A language model that fills in tokens which are hidden from it.
///
/// Of the valid tokens of a row a share is asked for, drawn anew in each step and the same at each
/// validation: 80% of them are hidden, 10% replaced by any token, 10% left. Devlin et al. 2019, section
/// 3.1.
final class MaskedTask: NetworkTask {
  private let network: any MaskedLanguageModel
  private let context: Context
  private let share: Double
  private let loss = CrossEntropy(ignoreIndex: .min)

  var model: Module { network }

  /// Takes a model with a token for hidden ones.
  static func make(_ network: Module, _ input: TaskInput) throws -> (any TrainingTask)? {
    guard let network = network as? any MaskedLanguageModel, let share = network.maskShare else {
      return nil
    }
    try input.configuration.requireNoLoss("a masked language model")
    return MaskedTask(network, share: share, context: input.context)
  }

  private init(_ network: any MaskedLanguageModel, share: Double, context: Context) {
    self.network = network
    self.share = share
    self.context = context
  }

  func domains(_ row: Batch) -> DataDomains {
    var domains = DataDomains()
    domains.inputs = .indices(count: network.vocabulary)
    domains.inputTaker = "the vocabulary"
    domains.labels = .any
    return domains
  }

  func denominator(_ batch: Batch, phase: Int) throws -> Double {
    try loss.denominator(hidden(batch, training: true).y)
  }

  func lossSum(_ batch: Batch, phase: Int) throws -> Tensor {
    let hidden = try hidden(batch, training: true)
    return try loss.sum(network(hidden.x), hidden.y)
  }

  func evaluate(_ batch: Batch, into totals: inout ValidationTotals) throws {
    let hidden = try hidden(batch, training: false)
    try totals.add(network(hidden.x), hidden, loss)
  }

  /// The likeliest token at each position of rows with nothing hidden.
  func predictions(_ batch: Batch) throws -> Predictions {
    try loss.predictions(network(batch.x))
  }

  /// The batch with some tokens hidden, and labels where they are asked for.
  private func hidden(_ batch: Batch, training: Bool) throws -> Batch {
    let shape = batch.x.shape
    try network.noteLengths(of: batch.x)
    let key = RandomKey(context.seed).child("mask").child(training ? context.step : -1)
    let x = try Tensor.empty(shape, dtype: .int32, context: context)
    let y = try Tensor.empty(shape, dtype: .int32, context: context)
    let source = batch.x.pointer.assumingMemoryBound(to: Int32.self)
    let shown = x.pointer.assumingMemoryBound(to: Int32.self)
    let asked = y.pointer.assumingMemoryBound(to: Int32.self)
    let lengths = batch.x.lengths?.pointer.assumingMemoryBound(to: Int32.self)
    for row in 0..<shape[0] {
      var stream = RandomStream(key.child(batch.firstRow + row))
      for position in 0..<shape[1] {
        let place = row * shape[1] + position
        (shown[place], asked[place]) = (source[place], .min)
        guard position < lengths.map({ Int($0[row]) }) ?? shape[1], stream.uniform() < share else {
          continue
        }
        asked[place] = source[place]
        let kind = stream.uniform()
        if kind < 0.8 {
          shown[place] = network.maskToken
        } else if kind < 0.9 {
          shown[place] = Int32(stream.upTo(network.vocabulary))
        }
      }
    }
    x.lengths = batch.x.lengths
    var result = batch
    (result.x, result.y) = (x, y)
    return result
  }
}
