import DLCluster
import DLCore
import DLData
import DLFormats
import DLLayers
import DLModels
import DLTensor

/// A generator and a discriminator, updated in turn.
///
/// The losses are those of ``AdversarialObjective``, as means over the batch. The discriminator may
/// have several updates a step; the generator goes on from the images that were made for the last of
/// them. Goodfellow et al. 2014; the order of the updates is that of PyTorch's DCGAN example.
package final class AdversarialTask: NetworkTask, ImageGenerator {
  let network: any GenerativeAdversarial
  package let row: Shape
  private let context: Context
  private let discriminatorParameters: [Parameter]
  private let features: FeatureNetwork?
  /// The images of the step's micro-batches, and the ops that made them.
  private var fakes: [(images: Tensor, ops: RecordedOps)] = []

  package var model: Module { network }
  package var phases: [TrainingPhase] {
    [
      TrainingPhase(
        "discriminator", trains: "discriminator", repeats: network.options.criticSteps),
      TrainingPhase("generator", trains: "generator"),
    ]
  }

  /// Takes a generator with its discriminator.
  ///
  /// - Throws: `UsageError` where a loss is chosen; ``TensorError`` where the images have another shape.
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
    row = input
    self.context = context
    discriminatorParameters = network.discriminator.parameters()
    features = try network.features.map {
      try FeatureNetwork($0, input: input, normalize: normalize, context: context)
    }
  }

  package func domains(_ row: Batch) -> DataDomains {
    var domains = DataDomains()
    // Nobody looks at labels unless they are told.
    domains.labels = network.conditionClasses.map { .indices(count: $0) } ?? .any
    return domains
  }

  package func denominator(_ batch: Batch, phase: Int) -> Double { Double(batch.rows) }

  package func lossSum(_ batch: Batch, phase: Int) throws -> Tensor {
    let told = try conditions(batch)
    if phase == 0 {
      if batch.index == 0 { fakes.removeAll(keepingCapacity: true) }
      setDiscriminator(learns: true)
      let key = noiseKey.child(context.step)
      let images = try images(
        rows: batch.rows, key: batch.turn == 0 ? key : key.child("turn").child(batch.turn), told)
      fakes.append((images, context.takeRecordedOps()))
      let loss = try game.critic(real: judge(batch.x, told), fake: judge(images.detached(), told))
      let factor = network.options.gradientPenalty
      return factor == 0
        ? loss : try loss + penalty(batch.x, images.detached(), told, turn: batch.turn) * factor
    }
    let fake = fakes[batch.index]
    setDiscriminator(learns: false)
    context.restore(fake.ops)
    return try game.generator(fake: judge(fake.images, told))
  }

  package func evaluate(_ batch: Batch, into totals: inout ValidationTotals) throws {
    let told = try conditions(batch)
    let images = try images(rows: batch.rows, key: noiseKey.child("validation"), told)
    let loss = try game.critic(real: judge(batch.x, told), fake: judge(images, told)).scalar
    totals.lossSum += loss
    totals.denominator += Double(batch.rows)
    try totals.add(
      .generated(
        GeneratedBatch(
          rows: batch.rows, divergence: game.divergence(criticLoss: loss, rows: batch.rows),
          real: features?(batch.x) ?? [], generated: features?(images) ?? [],
          width: features?.width ?? 0)))
  }

  package func defaultMetrics(_ kind: PredictionKind) -> [any MetricSpec] {
    (features == nil ? [] : [FrechetMetric()]) + [Divergence()]
  }

  package func didValidate(_ validation: Validation) throws {
    try writeSheet(of: validation, context)
  }

  package func predictions(_ batch: Batch) throws -> Predictions {
    throw UsageError(
      "predict: the model makes images of noise and says nothing of rows; "
        + "use generate RUN \(OptionName.output) images.png")
  }

  /// Images of the noise that a key gives, 8 in a row; where classes are told, one after the other.
  ///
  /// - Throws: ``TensorError`` when there is no memory.
  package func sheet(images count: Int, key: RandomKey) throws -> RasterImage {
    context.rowOffset = 0
    let told = try network.conditionClasses.map { classes in
      try Tensor.labels((0..<count).map { Int32($0 % classes) }, context: context)
        .oneHot(classes: classes)
    }
    return try .sheet(images(rows: count, key: key, told), from: -1, to: 1)
  }

  private var game: AdversarialGame { AdversarialGame(network.options.objective) }

  private var noiseKey: RandomKey { RandomKey(context.seed).child("noise") }

  /// The images of normal noise for the rows from the context's first row on.
  private func images(rows: Int, key: RandomKey, _ told: Tensor?) throws -> Tensor {
    let noise = try context.normalRows(rows, width: network.latentSize, key: key)
    let size = network.latentSize + (network.conditionClasses ?? 0)
    return try network.generator(
      (told.map { try Tensor.concat([noise, $0], axis: 1) } ?? noise)
        .reshape([rows, 1, 1, size]))
  }

  /// The conditions that both networks are told of a batch: its labels as ones of so many features.
  private func conditions(_ batch: Batch) throws -> Tensor? {
    try network.conditionClasses.map { try batch.y.reshape([batch.rows]).oneHot(classes: $0) }
  }

  /// The discriminator's logits of images.
  private func judge(_ images: Tensor, _ told: Tensor?) throws -> Tensor {
    guard let told else { return try network.discriminator(images) }
    let middle = [Int](repeating: 1, count: images.shape.rank - 2)
    let planes = try told.reshape(Shape([told.shape[0]] + middle + [told.shape[1]]))
      .broadcast(to: Shape(Array(images.shape.dimensions.dropLast()) + [told.shape[1]]))
    return try network.discriminator(
      Tensor.concat([images, planes], axis: images.shape.rank - 1))
  }

  /// `Σ (‖∇c(x̂)‖₂ - 1)²` at a point between each real image and a generated one, at a place that is
  /// drawn row by row.
  private func penalty(_ real: Tensor, _ fake: Tensor, _ told: Tensor?, turn: Int) throws -> Tensor
  {
    let ones = [Int](repeating: 1, count: real.shape.rank - 1)
    let share = try context.uniformRows(
      real.shape[0], key: noiseKey.child("penalty").child(context.step).child(turn)
    ).reshape(Shape([real.shape[0]] + ones))
    let mixed = try context.withoutRecording { try real * share + fake * (1 - share) }
      .requiringGradient()
    return try context.differentiably {
      let slope = try context.gradients(
        of: judge(mixed, told).sum(), with: [mixed], createGraph: true)[0]
      let length = try (slope * slope).reshape([
        slope.shape[0], slope.count / max(slope.shape[0], 1),
      ])
      .sum(axis: 1)
      let excess = try (length + 1e-12).sqrt() - 1
      return try (excess * excess).sum()
    }
  }

  private func setDiscriminator(learns: Bool) {
    for parameter in discriminatorParameters { parameter.requiresGradient = learns }
  }
}
