import DLData
import DLLayers
import DLTensor

/// A tagger whose last layer is a conditional random field: the loss is that of whole paths of tags,
/// and tags are read off as the layer says.
final class TaggingTask: NetworkTask {
  private let network: Sequential
  private let field: CRF

  var model: Module { network }

  /// Takes a chain that ends with a ``CRF``.
  ///
  /// - Throws: `TensorError` for one that stands elsewhere, or another loss.
  static func make(_ network: Module, _ input: TaskInput) throws -> (any TrainingTask)? {
    guard network.modules().contains(where: { $0 is CRF }) else { return nil }
    guard let chain = network as? Sequential, let field = chain.layers.last as? CRF,
      chain.modules().count(where: { $0 is CRF }) == 1
    else {
      throw TensorError(op: "crf", "stands within a network; make it the last layer of the chain")
    }
    try input.configuration.requireNoLoss("a network that ends with crf")
    return TaggingTask(chain, field)
  }

  private init(_ network: Sequential, _ field: CRF) {
    self.network = network
    self.field = field
  }

  func domains(_ row: Batch) throws -> DataDomains {
    var domains = DataDomains()
    domains.inputs = network.inputDomain
    domains.labels = .indices(count: try network(row.x).shape.last, ignored: field.ignoreIndex)
    domains.labelTaker = "crf"
    return domains
  }

  func denominator(_ batch: Batch, phase: Int) throws -> Double {
    try labels(batch).labelWeight(nil, ignoreIndex: field.ignoreIndex)
  }

  func lossSum(_ batch: Batch, phase: Int) throws -> Tensor {
    try field.lossSum(network(batch.x), labels: labels(batch))
  }

  func evaluate(_ batch: Batch, into totals: inout ValidationTotals) throws {
    let (scores, labels) = (try network(batch.x), try labels(batch))
    totals.lossSum += try field.lossSum(scores, labels: labels).scalar
    totals.denominator += try denominator(batch, phase: 0)
    let loss = CrossEntropy(ignoreIndex: field.ignoreIndex)
    try totals.add(.scores(ScoreBatch(field.decoded(scores), labels: labels, loss: loss)))
  }

  /// The share of right tags, and of sentences without a wrong one.
  func defaultMetrics(_ kind: PredictionKind) -> [any MetricSpec] { [Accuracy(), ExactMatch()] }

  func predictions(_ batch: Batch) throws -> Predictions {
    let scores = try field.decoded(network(batch.x))
    let shares = try scores.softmax()
    shares.lengths = scores.lengths
    return .classes(shares)
  }

  /// The labels, of which those behind the rows' ends do not count.
  private func labels(_ batch: Batch) throws -> Tensor {
    try network.noteLengths(of: batch.x)
    guard let lengths = batch.x.lengths, batch.y.dtype == .int32, batch.y.shape.rank == 2,
      batch.y.shape[1] == batch.x.shape[1]
    else { return batch.y }
    return try batch.y.labels(within: lengths, ignored: field.ignoreIndex)
  }
}
