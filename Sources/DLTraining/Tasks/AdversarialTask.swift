import DLCluster
import DLCore
import DLData
import DLFormats
import DLLayers
import DLModels
import DLTensor

/// A generator and a discriminator, updated in turn.
///
/// The discriminator learns from `-log D(x) - log(1 - D(G(z)))`, the generator from `-log D(G(z))`,
/// both as means over the batch; the generator's second phase goes on from the images that the
/// first one made. Goodfellow et al. 2014, with the non-saturating loss; the order of the updates is
/// that of PyTorch's DCGAN example.
package final class AdversarialTask: NetworkTask {
  let network: any GenerativeAdversarial
  private let context: Context
  private let loss = BCEWithLogits()
  private let discriminatorParameters: [Parameter]
  private let features: FeatureNetwork?
  /// The images of the step's micro-batches, and the ops that made them.
  private var fakes: [(images: Tensor, ops: RecordedOps)] = []

  package var model: Module { network }
  package let phases = [
    TrainingPhase("discriminator", trains: "discriminator"),
    TrainingPhase("generator", trains: "generator"),
  ]

  /// Takes a generator with its discriminator.
  package static func make(_ network: Module, _ input: TaskInput) throws -> (any TrainingTask)? {
    guard let network = network as? any GenerativeAdversarial else { return nil }
    let configuration = input.configuration
    try configuration.requireNoLoss("a generative adversarial network")
    return try AdversarialTask(
      network, input: input.inputShape, normalize: configuration.data.normalize,
      context: input.context)
  }

  /// Makes the task for images of shape `[batch] + input`.
  ///
  /// - Throws: what opening the run of the feature network throws.
  init(
    _ network: any GenerativeAdversarial, input: Shape, normalize: NormalizeConfiguration?,
    context: Context
  ) throws {
    self.network = network
    self.context = context
    discriminatorParameters = network.discriminator.parameters()
    features = try network.features.map {
      try FeatureNetwork($0, input: input, normalize: normalize, context: context)
    }
  }

  package func domains(_ row: Batch) -> DataDomains {
    var domains = DataDomains()
    // Nobody looks at labels.
    domains.labels = .any
    return domains
  }

  package func denominator(_ batch: Batch, phase: Int) -> Double { Double(batch.rows) }

  package func lossSum(_ batch: Batch, phase: Int) throws -> Tensor {
    if phase == 0 {
      if batch.index == 0 { fakes.removeAll(keepingCapacity: true) }
      setDiscriminator(learns: true)
      let noise = try noise(rows: batch.rows, key: noiseKey.child(context.step))
      let images = try network.generator(noise)
      fakes.append((images, context.takeRecordedOps()))
      return try judge(batch.x, isReal: true) + judge(images.detached(), isReal: false)
    }
    let fake = fakes[batch.index]
    setDiscriminator(learns: false)
    context.restore(fake.ops)
    return try judge(fake.images, isReal: true)
  }

  package func evaluate(_ batch: Batch, into totals: inout ValidationTotals) throws {
    let images = try network.generator(
      noise(rows: batch.rows, key: noiseKey.child("validation")))
    let sum = try judge(batch.x, isReal: true) + judge(images, isReal: false)
    totals.lossSum += sum.scalar
    totals.denominator += Double(batch.rows)
    try totals.add(
      .features(
        real: features?(batch.x) ?? [], generated: features?(images) ?? [],
        width: features?.width ?? 0))
  }

  package func defaultMetrics(_ kind: PredictionKind) -> [any MetricSpec] {
    features == nil ? [] : [FrechetMetric()]
  }

  package func didValidate(_ validation: Validation) throws {
    try context.communicator.agreed("write the sheet of samples") {
      guard let folder = validation.folder, let step = validation.step else { return }
      try writeSheet(folder: folder, step: step)
    }
  }

  package func predictions(_ batch: Batch) throws -> Predictions {
    throw UsageError(
      "predict: the model makes images of noise and says nothing of rows; "
        + "use dltrain generate RUN -o images.png")
  }

  /// Writes 64 images of the same noise each time, `samples/step-NNNNNNNN.png`.
  private func writeSheet(folder: String, step: Int) throws {
    let sheet = try sheet(images: 64, key: noiseKey.child("sheet"))
    try File.makeFolder(folder + "/samples")
    let digits = String(step)
    let name = String(repeating: "0", count: max(8 - digits.count, 0)) + digits
    try sheet.writePNG(to: folder + "/samples/step-\(name).png")
  }

  /// Images of the noise that a key gives, 8 in a row.
  package func sheet(images count: Int, key: RandomKey) throws -> RasterImage {
    context.rowOffset = 0
    let images = try network.generator(noise(rows: count, key: key))
    let pixels = images.doubles.map { UInt8(min(max(($0 + 1) * 127.5, 0), 255).rounded()) }
    return try RasterImage.sheet(
      tiles: pixels, height: images.shape[1], width: images.shape[2], channels: images.shape[3],
      columns: 8)
  }

  private var noiseKey: RandomKey { RandomKey(context.seed).child("noise") }

  /// Normal noise for the rows from the context's first row on, keyed row by row, so that it does
  /// not depend on how rows are spread over ranks.
  private func noise(rows: Int, key: RandomKey) throws -> Tensor {
    let size = network.latentSize
    var values: [Double] = []
    values.reserveCapacity(rows * size)
    for row in 0..<rows {
      var stream = RandomStream(key.child(context.rowOffset + row))
      for _ in 0..<size { values.append(stream.normal()) }
    }
    return try Tensor.values(values, shape: [rows, 1, 1, size], context: context)
  }

  /// The loss of the discriminator's logits if all images were real, or none.
  private func judge(_ images: Tensor, isReal: Bool) throws -> Tensor {
    let logits = try network.discriminator(images)
    let target = try Tensor.full(logits.shape, isReal ? 1 : 0, context: context)
    return try loss.sum(logits, target)
  }

  private func setDiscriminator(learns: Bool) {
    for parameter in discriminatorParameters { parameter.requiresGradient = learns }
  }
}
