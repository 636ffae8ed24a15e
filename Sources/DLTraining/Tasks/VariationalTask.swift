import DLCluster
import DLData
import DLFormats
import DLLayers
import DLModels
import DLTensor

/// An autoencoder whose codes are drawn: the evidence lower bound, `Σ -log p(x | z) + β · KL`.
///
/// `z = μ + σ ε`, ε normal and keyed row by row; `KL = -½ Σ (1 + log σ² - μ² - σ²)`, in nats per row.
/// Validation takes z = μ in place of a drawn one. Kingma and Welling 2014, equation 10.
final class VariationalTask: NetworkTask, ImageGenerator {
  private let network: VAE
  private let context: Context

  var model: Module { network }
  var row: Shape { network.row }

  /// Takes a variational autoencoder.
  static func make(_ network: Module, _ input: TaskInput) throws -> (any TrainingTask)? {
    guard let network = network as? VAE else { return nil }
    try input.configuration.requireNoLoss("a variational autoencoder")
    return VariationalTask(network, input.context)
  }

  private init(_ network: VAE, _ context: Context) {
    self.network = network
    self.context = context
  }

  func domains(_ row: Batch) -> DataDomains {
    var domains = DataDomains()
    if network.likelihood == .bernoulli { domains.inputs = .within(0...1) }
    domains.inputTaker = "likelihood: \(network.likelihood.rawValue)"
    domains.labels = .any
    return domains
  }

  func denominator(_ batch: Batch, phase: Int) -> Double { Double(batch.rows) }

  func lossSum(_ batch: Batch, phase: Int) throws -> Tensor {
    let key = RandomKey(context.seed).child("noise").child(context.step).child(batch.turn)
    return try bound(batch) { mean, logVariance in
      let noise = try context.normalRows(batch.rows, width: network.latent, key: key)
      return try mean + (logVariance * 0.5).exp() * noise
    }
  }

  func evaluate(_ batch: Batch, into totals: inout ValidationTotals) throws {
    totals.lossSum += try bound(batch) { mean, _ in mean }.scalar
    totals.denominator += Double(batch.rows)
    try totals.add(.own((), .other("rows like those it saw"), labels: batch.rows))
  }

  func didValidate(_ validation: Validation) throws { try writeSheet(of: validation, context) }

  /// The rows as the network gives them back from the means of their codes.
  func predictions(_ batch: Batch) throws -> Predictions {
    .values(try network.values(network.decode(network.encode(batch.x).mean)))
  }

  func sheet(images count: Int, key: RandomKey) throws -> RasterImage {
    context.rowOffset = 0
    let codes = try context.normalRows(count, width: network.latent, key: key)
    return try .sheet(network.values(network.decode(codes)), from: 0, to: 1)
  }

  private func bound(_ batch: Batch, code: (Tensor, Tensor) throws -> Tensor) throws -> Tensor {
    let (mean, logVariance) = try network.encode(batch.x)
    let decoded = try network.decode(code(mean, logVariance))
    let error =
      network.likelihood == .bernoulli
      ? try BCEWithLogits().sum(decoded, batch.x)
      : try MeanSquaredError().sum(decoded, batch.x) * 0.5
    let divergence = try (mean.square() + logVariance.exp() - logVariance - 1).sum() * 0.5
    return try error + divergence * network.beta
  }
}
