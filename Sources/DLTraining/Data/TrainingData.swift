import DLCluster
import DLData
import DLFormats
import DLLayers
import DLTensor

/// The data sets of a job, opened and checked.
package struct TrainingData {
  package let train: any Dataset
  package let validation: (any Dataset)?
  let transform: InputTransform
  let augmentation: Augmentation?
  let mixing: BatchMixing?
  /// The tokenizer as the training file holds it; nil where the data are no text.
  let tokenizerText: String?
  /// The names of the classes as the training file holds them; nil where it has none.
  let classNames: ClassNames?
  /// The way from raw data to the training file's rows.
  let preparation: Preparation
  /// The digests of the contents of training and validation files; nil for rows that are made.
  let digests: (train: String?, validation: String?)

  /// Opens what the configuration names.
  ///
  /// - Parameter statistics: what a pass over the files found, by their paths.
  /// - Throws: `FormatError` and `DataError` for files that are missing, damaged, or do not fit
  ///   each other.
  init(_ configuration: Configuration, statistics: [String: FileStatistics] = [:]) throws {
    let data = configuration.data
    let whole = try TrainingData.open(
      data.train ?? "", .training, configuration, statistics: statistics)
    classNames = TrainingData.classNames(of: whole)
    let folds = try TrainingData.folded(whole, configuration)
    let train = folds?.train ?? whole
    let names = classNames
    let validation = try data.validation.map { path in
      try TrainingData.open(
        path, .validation, configuration, classes: data.classes ?? train.classCount,
        statistics: statistics, names: names, namesSource: data.train ?? "data.train")
    }
    if let validation, !TrainingData.areAlike(validation, train) {
      throw DataError(
        "data.validation: rows of \(validation.inputType) \(validation.inputShape) and "
          + "\(validation.labelType) \(validation.labelShape) labels, data.train has "
          + "\(train.inputType) \(train.inputShape) and \(train.labelType) \(train.labelShape); "
          + "pack both alike", exitCode: .data)
    }
    self.train = train
    self.validation = folds?.heldOut ?? validation
    transform = try TrainingData.transform(of: train, configuration)
    augmentation =
      data.augment.isEmpty
      ? nil
      : try Augmentation(
        data.augment.map(\.change), of: train, seed: Int(clamping: configuration.seed))
    mixing = try data.mix?.mixing(of: train, seed: Int(clamping: configuration.seed))
    tokenizerText = try TrainingData.tokenizerText(of: whole)
    preparation = try TrainingData.preparation(of: whole)
    if let validation, let path = data.validation {
      try TrainingData.requireTokens(
        of: validation, path, like: tokenizerText, source: data.train ?? "data.train")
      try TrainingData.requirePreparation(
        of: validation, path, like: preparation, source: data.train ?? "data.train")
      try TrainingData.requireGraph(of: validation, path, like: (train as? GraphDataset)?.graph)
    }
    func digest(_ path: String?) -> String? {
      path.flatMap { TrainingData.digest($0, statistics) }
    }
    digests = (digest(data.train), digest(data.validation))
    try TrainingData.checkLabels(of: train, configuration.loss)
  }

  /// The shape of what a model is made for: one row, or for a graph one node's features.
  var modelInput: Shape { TrainingData.modelInput(of: train) }

  /// The same for any data set.
  static func modelInput(of dataset: any Dataset) -> Shape {
    (dataset as? GraphDataset).map { [$0.graph.featureCount] }
      ?? Shape(checking: dataset.inputShape) ?? [0]
  }

  /// The tokenizer of the training data's tokens; nil where they are no text.
  var tokenizer: (any Tokenizer)? {
    get throws {
      guard let tokenizerText else { return nil }
      return try TokenizerFile.read(tokenizerText, file: "data.train")
    }
  }

  /// Opens a data set of whichever kind it is.
  ///
  /// - Parameters:
  ///   - classes: the number of classes; the configuration's or the file's unless given.
  ///   - statistics: what a pass over files found, by their paths.
  ///   - names: what the numbers of classes shall stand for; the file's own names unless given.
  ///   - namesSource: where these names come from.
  /// - Throws: `FormatError` where a file is damaged; `DataError` where it does not fit the job.
  package static func open(
    _ path: String, _ role: DataRole, _ configuration: Configuration, classes: Int? = nil,
    statistics: [String: FileStatistics] = [:], names: ClassNames? = nil, namesSource: String = ""
  ) throws -> any Dataset {
    try DataRequest(
      path: path, role: role, configuration: configuration, classes: classes,
      statistics: statistics, names: names, namesSource: namesSource
    ).open()
  }

  /// The transform that a data set's inputs go through under a configuration.
  ///
  /// - Parameter precision: the type of what comes out; the configuration's unless given.
  /// - Throws: `DataError` where mean and deviation do not fit the channels.
  package static func transform(
    of dataset: any Dataset, _ configuration: Configuration, precision: DType? = nil
  ) throws -> InputTransform {
    try InputTransform(
      from: dataset.inputType, shape: dataset.inputShape,
      precision: precision ?? configuration.precision.dtype,
      normalize: configuration.data.normalize.map { ($0.mean, $0.std) })
  }

  package static func checkLabels(of dataset: any Dataset, _ loss: LossConfiguration) throws {
    let types = loss.loss.labelTypes
    guard types.contains(dataset.labelType) else {
      let needed = types.map { $0 == .int32 ? "I32 classes" : "F32 values" }
      throw DataError(
        "loss: \(loss.word) needs \(needed.joined(separator: " or ")) in y, the data has "
          + "\(dataset.labelType); use another loss or pack the labels anew")
    }
    let areSingleValues = dataset.labelType == .float32 && dataset.labelShape.isEmpty
    guard !areSingleValues || !(loss.loss is any ClassLoss) else {
      throw DataError(
        "loss: \(loss.word) needs I32 classes in y, or a probability of each, the data has one float32 "
          + "value a row; use another loss, as mse, or pack the labels anew")
    }
  }
}

extension TrainingData {
  /// The capabilities that cannot be had of the data.
  var demands: [Demand] {
    guard validation == nil else { return [] }
    return [
      Demand(
        key: "data", name: "a job without a validation set", precludes: [.validation],
        remedy: "give data.validation")
    ]
  }
}
