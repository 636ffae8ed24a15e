import DLData
import DLTensor

/// The data sets of a job, opened and checked.
struct TrainingData {
  let train: any Dataset
  let validation: (any Dataset)?
  let transform: InputTransform
  let augmentation: Augmentation?

  /// Opens what the configuration names.
  ///
  /// - Throws: `FormatError` and `DataError` for files that are missing, damaged, or do not fit
  ///   each other.
  init(_ configuration: Configuration) throws {
    let data = configuration.data
    let train: any Dataset
    if let synthetic = data.synthetic {
      train = try SyntheticDataset(
        shape: synthetic.shape, classes: synthetic.classes, count: synthetic.rows,
        seed: Int(clamping: configuration.seed))
    } else {
      train = try TensorFileDataset(
        path: EmbeddedData.resolve(data.train ?? ""), classes: data.classes)
    }
    let validation = try data.validation.map { path in
      try TensorFileDataset(
        path: EmbeddedData.resolve(path), classes: data.classes ?? train.classCount)
    }
    if let validation,
      validation.inputShape != train.inputShape || validation.labelShape != train.labelShape
        || validation.inputType != train.inputType || validation.labelType != train.labelType
    {
      throw DataError(
        "data.validation: rows of \(validation.inputType) \(validation.inputShape) and "
          + "\(validation.labelType) \(validation.labelShape) labels, data.train has "
          + "\(train.inputType) \(train.inputShape) and \(train.labelType) \(train.labelShape); "
          + "pack both alike", exitCode: .data)
    }
    self.train = train
    self.validation = validation
    transform = try TrainingData.transform(of: train, configuration)
    augmentation =
      data.augment.isEmpty
      ? nil
      : try Augmentation(
        data.augment.map(\.change), of: train, seed: Int(clamping: configuration.seed))
    try TrainingData.checkLabels(of: train, configuration.loss)
  }

  /// The transform that a data set's inputs go through under a configuration.
  static func transform(of dataset: any Dataset, _ configuration: Configuration) throws
    -> InputTransform
  {
    try InputTransform(
      from: dataset.inputType, shape: dataset.inputShape, precision: configuration.precision.dtype,
      normalize: configuration.data.normalize.map { ($0.mean, $0.std) })
  }

  static func checkLabels(of dataset: any Dataset, _ loss: Configuration.Loss) throws {
    let needsClasses = loss == .crossEntropy
    guard (dataset.labelType == .int32) == needsClasses else {
      throw DataError(
        "loss: \(loss.rawValue) needs \(needsClasses ? "I32 classes" : "F32 values") in y, the data has "
          + "\(dataset.labelType); use another loss or pack the labels anew")
    }
  }
}

extension Configuration.Precision {
  /// The tensors' type.
  var dtype: DType { self == .float32 ? .float32 : .float64 }
}
