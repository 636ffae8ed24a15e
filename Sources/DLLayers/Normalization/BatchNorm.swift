import DLConfiguration
import DLCore
import DLTensor

/// Batch normalization over all axes but the last, with statistics over the whole batch on all
/// ranks.
///
/// `y = (x - mean) / √(variance + eps) · weight + bias`; in training by the batch's mean and biased
/// variance per channel, which also move the running statistics (with the unbiased variance); in
/// evaluation by the running ones. Of rows that are filled up the valid positions alone count. Shapes: `[batch, ..., channels]`, unchanged. Ioffe and Szegedy
/// 2015. Counterpart: `torch.nn.BatchNorm2d`, `BatchNorm1d`, and across ranks
/// `torch.nn.SyncBatchNorm`.
public final class BatchNorm: ReLUFusingLayer {
  /// The options of ``BatchNorm`` in `model.layers`.
  package struct Options: LayerSpec {
    package static var word: String { "batch_norm" }
    /// Added to the variance.
    package var eps = 1e-5
    /// Weight of the batch in the running statistics; the average over all batches if null.
    package var momentum: Double? = 0.1
    /// True to learn a scale and a shift per channel.
    package var affine = true
    package init() {}
    package static var fields: [ConfigurationField<Self>] {
      [
        .init("eps", \.eps, .above(0), "added to the variance"),
        .init(
          "momentum", \.momentum, .within(0...1),
          "weight of the batch in the running statistics; null for the average over all batches"),
        .init("affine", \.affine, "whether to learn a scale and a shift per channel"),
      ]
    }
    package func layer(for input: Shape) throws -> any Layer {
      BatchNorm(features: try features(Self.word, input), self)
    }
  }

  /// The scale, `[channels]`, from 1.
  public let weight: Parameter?
  /// The shift, `[channels]`, from 0.
  public let bias: Parameter?
  /// The running mean, `[channels]`, from 0.
  public let runningMean: Buffer
  /// The running unbiased variance, `[channels]`, from 1.
  public let runningVar: Buffer
  /// The number of training batches seen.
  public let numBatchesTracked: Buffer

  /// Values per channel in one row of the last input: its height times its width for images; a network
  /// whose rows lie one behind the other says how many they may be.
  package var valuesPerRow = 1

  package let options: Options
  private let channels: Int

  /// True if the running statistics are the mean over all batches since they were reset, whatever
  /// the momentum; for weights that were not trained in this way, such as averaged ones.
  package var accumulatesStatistics = false

  /// Makes a layer for the given number of channels.
  public convenience init(
    features: Int, eps: Double = 1e-5, momentum: Double? = 0.1, affine: Bool = true
  ) {
    self.init(
      features: features,
      .with {
        $0.eps = eps
        $0.momentum = momentum
        $0.affine = affine
      })
  }

  /// Makes a layer for the given number of channels by its options.
  package init(features: Int, _ options: Options) {
    channels = features
    self.options = options
    weight = options.affine ? Parameter([features], initializer: .constant(1)) : nil
    bias = options.affine ? Parameter([features], initializer: .constant(0)) : nil
    runningMean = Buffer([features])
    runningVar = Buffer([features], initialValue: 1)
    numBatchesTracked = Buffer([], dtype: .int64)
  }

  /// Applies the layer, adds a `residual` of the output's shape, and takes the maximum with 0 if
  /// `relu`, all in one pass where rows have no padding.
  ///
  /// - Throws: ``TensorError`` for shapes that do not fit.
  package func callAsFunction(_ x: Tensor, adding residual: Tensor, relu: Bool) throws -> Tensor {
    // Who looks on sees the layer's own output.
    guard x.lengths == nil, x.context.layerObserver == nil else {
      let sum = try self(x) + residual
      return try relu ? sum.relu() : sum
    }
    return try observed(x) { try forward(x, adding: residual, relu: relu) }
  }

  /// Applies the layer, and a ReLU behind it if `relu`.
  override func forward(_ x: Tensor, relu: Bool) throws -> Tensor {
    try forward(x, adding: nil, relu: relu)
  }

  private func forward(_ x: Tensor, adding residual: Tensor?, relu: Bool) throws -> Tensor {
    if x.shape.rank > 2 { valuesPerRow = x.shape.product(1..<x.shape.rank - 1) }
    if x.context.isTraining {
      try numBatchesTracked.value.increment()
    }
    let momentum = accumulatesStatistics ? nil : options.momentum
    let running = try RunningStatistics(
      mean: runningMean.value, variance: runningVar.value,
      momentum: momentum ?? 1 / max(numBatchesTracked.value.scalar, 1))
    func normalized(_ x: Tensor) throws -> Tensor {
      try x.batchNorm(
        weight: weight?.value, bias: bias?.value, running: running, eps: options.eps,
        residual: residual, relu: relu)
    }
    return try x.context.isTraining ? x.atValidPositions(normalized) : normalized(x)
  }

  override func outputShape(from input: Shape) throws -> Shape {
    guard input.rank >= 1, input.last == channels else {
      throw TensorError(
        op: "batch_norm",
        "input has shape \(input), expected \(counted(channels, "channel")) in the last axis"
      )
    }
    return input
  }
}
